"""A small record of one lesson, and how a test writes to it and looks at it."""

import os
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microgpt.learner.evidence import Event

NOW = datetime(2026, 1, 5, tzinfo=UTC)
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, or mount a small disk")


def event(n):
    return Event(
        time=NOW, learner="ada", course="microgpt", lesson="ada-microgpt", kind="turn", body={"n": n, "pad": "x" * 200}
    )


def append(store, count=1):
    with store.transaction("ada-microgpt") as tx:
        for _ in range(count):
            tx.append(event(tx.seq + 1))


def numbers(store):
    return [event.body["n"] for event in store.events("ada-microgpt")]


def mode(path):
    return oct(path.stat().st_mode & 0o777)


def at_once(count, work):
    """Run it in threads that start together; return what they raised."""
    errors, start = [], threading.Barrier(count)

    def run():
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def from_dump(path, version):
    """Make the record that a released version wrote."""
    dump = Path(__file__).parent / "fixtures" / f"format-{version}.sql"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(dump.read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode = WAL")
    path.chmod(0o600)
