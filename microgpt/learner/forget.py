"""How a learner is forgotten: every row, and every byte that the rows were made of.

Read `database.py` first. A deleted row leaves its bytes in the file, in the log beside it and in the copies that were
made before an upgrade; this overwrites all of them.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from microgpt.errors import StoreError
from microgpt.learner.database import copies, explained

_DELETE = {  # by table, of every format so far; `events` after those that find their lessons there
    "snapshots": "lesson IN (SELECT lesson FROM events WHERE learner = :learner)",
    "heard": "lesson IN (SELECT lesson FROM events WHERE learner = :learner)",
    "mistakes": "lesson IN (SELECT lesson FROM events WHERE learner = :learner)",
    "events": "learner = :learner",
    "learners": "id = :learner",
}


def forget(path: Path, learner: str, *, wait_s: float = 10.0) -> None:
    """Delete a learner from the record and from its copies; of the others nothing changes.

    The record comes last, so that a run that was stopped half way can be repeated.

    Args:
        path: of the record.
        wait_s: seconds to wait for another process.

    Raises:
        StoreError: a file cannot be used, or another process reads it, so that bytes would be left in its log.
    """
    for file in (*copies(path), path):
        if file.suffix == ".partial":  # what a killed upgrade left; nobody reads it
            file.unlink(missing_ok=True)
            continue
        with explained(file), closing(_connect(file, wait_s)) as db:
            _delete(db, learner)
            _overwrite(db, file)
    _forget_what_was_told(path.with_name("voices-told.txt"), learner)


def _connect(file: Path, wait_s: float) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", timeout=wait_s, isolation_level=None, uri=True)


def _delete(db: sqlite3.Connection, learner: str) -> None:
    """Delete the rows; the triggers that forbid it are gone within the transaction alone."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute("BEGIN IMMEDIATE")
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, where in _DELETE.items():
        if table in tables:  # a copy of an older format has fewer
            db.execute(f"DELETE FROM {table} WHERE {where}", {"learner": learner})
    for _, sql in triggers:
        db.execute(sql)
    db.execute("COMMIT")


def _overwrite(db: sqlite3.Connection, file: Path) -> None:
    """Write the file anew and empty the log, which still holds pages as they were."""
    db.execute("VACUUM")
    (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"{file}: the learner is deleted, but another microgpt reads the file, so that bytes of it are left. "
            "Try: close it, and forget the learner again."
        )


def _forget_what_was_told(path: Path, learner: str) -> None:
    """Take a learner out of the list of those who know what a model is sent."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    left = [line for line in lines if line.partition(" ")[0] != learner]
    if left == lines:
        return
    try:
        with path.open("r+", encoding="utf-8") as file:  # in place: a new file would leave the old one's bytes
            file.writelines(left)
            file.truncate()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}. Try: make it writable") from error
