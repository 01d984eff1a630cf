"""Where the learner's record is kept: one SQLite file, to which a lesson only ever adds events.

Read `evidence.py` first: a row of ``events`` is an `Event`. All else (``snapshots``) is derived from events and can be
rebuilt from them. Names and languages of learners stand in ``learners``.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 1, 5, tzinfo=UTC)
>>> with Store.in_memory() as store:
...     with store.transaction("ada-microgpt") as tx:
...         event = tx.append(Event(time=now, learner="ada", course="microgpt", lesson="ada-microgpt", kind="turn"))
...         tx.save({"turns": tx.seq})
...     [(event.seq, event.kind) for event in store.events("ada-microgpt")]
[(1, 'turn')]
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, cast, get_args

from platformdirs import user_data_path

from microgpt.errors import DISTRIBUTION, StoreError
from microgpt.learner.evidence import Event, Json, Kind, to_json
from microgpt.learner.profile import Profile

# What takes the file from one format to the next; the last format's number is how many there are. A migration that a
# release has shipped is never edited again.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE events (
            lesson TEXT NOT NULL, seq INTEGER NOT NULL, time TEXT NOT NULL, learner TEXT NOT NULL, course TEXT NOT NULL,
            kind TEXT NOT NULL, ask_id TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (lesson, seq)
        ) WITHOUT ROWID""",
        # Whoever must forget a learner drops these triggers and puts them back within one transaction.
        """
        CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END""",
        """
        CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END""",
        # This one also stops INSERT OR REPLACE, which deletes without asking the trigger above.
        """
        CREATE TRIGGER events_are_numbered_without_a_gap BEFORE INSERT ON events
        WHEN NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM events WHERE lesson = NEW.lesson)
        BEGIN SELECT RAISE(ABORT, 'an event is the next of its lesson'); END""",
        "CREATE TABLE snapshots (lesson TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE learners (id TEXT PRIMARY KEY, name TEXT NOT NULL, language TEXT NOT NULL) WITHOUT ROWID",
    ),
)

_EVENTS = """
    SELECT seq, time, learner, course, lesson, kind, ask_id, body FROM events
    WHERE lesson = ? AND seq > ? ORDER BY seq"""

# Hops from one lesson's name to the next, so that the cost depends on the number of lessons, not of events.
_LESSONS = """
    WITH RECURSIVE names(lesson) AS (
        SELECT min(lesson) FROM events
        UNION ALL
        SELECT (SELECT min(lesson) FROM events WHERE lesson > names.lesson) FROM names WHERE lesson IS NOT NULL
    )
    SELECT lesson, learner, course, time FROM names JOIN events USING (lesson)
    WHERE seq = (SELECT max(seq) FROM events WHERE lesson = names.lesson)"""


def default_path(environ: Mapping[str, str]) -> Path:
    """Return where the record is: in the folder MICROGPT_DATA_DIR names, else where the system keeps a user's data."""
    folder = environ.get("MICROGPT_DATA_DIR")
    return (Path(folder).expanduser() if folder else user_data_path("microgpt", appauthor=False)) / "learner.db"


@dataclass(frozen=True, kw_only=True)
class LessonRow:
    """A lesson in the list of lessons; ``last`` is the time of its latest event, UTC."""

    id: str
    learner: str
    course: str
    last: datetime


class Transaction:
    """One lesson, held by this process alone until the block of `Store.transaction` ends.

    Attributes:
        seq: of the lesson's latest event; 0 before the first.
        state: as it was last saved when the block began; None for a new lesson.
        state_seq: of the last event folded into ``state``; events after it were never folded.
    """

    def __init__(self, db: sqlite3.Connection, lesson: str) -> None:
        self._db, self._lesson = db, lesson
        (last,) = db.execute("SELECT max(seq) FROM events WHERE lesson = ?", (lesson,)).fetchone()
        snapshot = db.execute("SELECT seq, state FROM snapshots WHERE lesson = ?", (lesson,)).fetchone()
        self.seq: int = last or 0
        self.state_seq: int = snapshot[0] if snapshot else 0
        self.state: Json = _from_json(snapshot[1]) if snapshot else None

    def append(self, event: Event) -> Event:
        """Add an event to the lesson and return it with its ``seq``; it is durable once the block has ended."""
        assert self._db.in_transaction, "the block of this transaction has ended"
        assert event.lesson == self._lesson, f"an event of {event.lesson!r} in a transaction on {self._lesson!r}"
        assert event.seq == 0, f"stored already, as {event.seq}"
        assert event.time.utcoffset() == timedelta(0), f"{event.time!r} is not UTC"
        event = replace(event, seq=self.seq + 1)
        self._db.execute(
            "INSERT INTO events (seq, time, learner, course, lesson, kind, ask_id, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (event.seq, event.time.isoformat(), event.learner, event.course, event.lesson, event.kind, event.ask_id,
             to_json(event.body)),
        )  # fmt: skip
        self.seq = event.seq
        return event

    def save(self, state: Json) -> None:
        """Keep the lesson's state, into which every event up to ``seq`` has been folded."""
        assert self._db.in_transaction, "the block of this transaction has ended"
        self._db.execute("REPLACE INTO snapshots VALUES (?, ?, ?)", (self._lesson, self.seq, to_json(state)))


class Store:
    """The learner's record. Make one with `open` or `in_memory`; one per thread.

    Every method raises `StoreError` where the file cannot be used.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool = True,
        wait_s: float = 10.0,
        migrations: Sequence[Sequence[str]] = MIGRATIONS,
    ) -> Self:
        """Open the record, bringing an older format up to date.

        Args:
            path: of the file, see `default_path`.
            create: False to read: where nothing is, nothing is made, and the store is empty and cannot be written.
            wait_s: seconds to wait for another process that is writing.
            migrations: see `MIGRATIONS`.

        Raises:
            StoreError: it cannot be read, written or understood; the file stays as it was.
        """
        found = _find(path, create)
        with _explained(path):
            db = sqlite3.connect(path if found else ":memory:", timeout=wait_s, isolation_level=None)
            try:
                _prepare(db, path, migrations)
                db.execute(f"PRAGMA query_only = {not found}")
            except BaseException:
                db.close()
                raise
        return cls(db, path)

    @classmethod
    def in_memory(cls) -> Self:
        """Return a store that is gone with the process, for simulations."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        _prepare(db, Path(":memory:"), MIGRATIONS)
        return cls(db, Path(":memory:"))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def transaction(self, lesson: str) -> Iterator[Transaction]:
        """Hold a lesson while the block runs: all of its appends and saves happen, or, on any exception, none.

        Processes that want to write are served one after the other, so what a block reads stays true until it ends.
        """
        with _explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._db, lesson)
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def events(self, lesson: str, after: int = 0) -> Iterator[Event]:
        """Yield a lesson's events with a ``seq`` above ``after``, in order."""
        with _explained(self._path):
            for row in self._db.execute(_EVENTS, (lesson, after)):
                yield _event(*row)

    def lessons(self, learner: str | None = None) -> list[LessonRow]:
        """Return all lessons, or a learner's, by name."""
        with _explained(self._path):
            rows = [
                LessonRow(id=lesson, learner=of, course=course, last=_from_iso(time))
                for lesson, of, course, time in self._db.execute(_LESSONS)
            ]
        return [row for row in rows if learner in (None, row.learner)]

    def learner(self, id: str) -> Profile | None:
        """Return a learner's profile; None for a stranger."""
        with _explained(self._path):
            row = self._db.execute("SELECT id, name, language FROM learners WHERE id = ?", (id,)).fetchone()
        return Profile(id=row[0], name=row[1], language=row[2]) if row else None

    def save_learner(self, profile: Profile) -> None:
        """Keep a learner's profile in place of the one before."""
        with _explained(self._path):
            row = (profile.id, profile.name, profile.language)
            self._db.execute("REPLACE INTO learners (id, name, language) VALUES (?, ?, ?)", row)


def _find(path: Path, create: bool) -> bool:
    """Say whether the file is there, having made it if wanted: readable by its owner alone, as is a folder made for it."""
    try:
        if create:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its side files the same mode
        return path.exists()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}. {_ELSEWHERE}") from error


def _prepare(db: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> None:
    """Set a connection up, and bring the file to the latest format, all of the way or not at all."""
    if _version(db, path, len(migrations)) < len(migrations):
        ...
    db.execute("PRAGMA journal_mode = WAL")
    # In WAL mode, less than FULL syncs at checkpoints only: a power cut would take back answers that the screen showed.
    db.execute("PRAGMA synchronous = FULL")


def _migrate

def _version(db: sqlite3.Connection, path: Path, latest: int) -> int:
    """Return the format of the file; 0 for an empty one."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= latest:
        raise StoreError(
            f"{path} has format {version}, which a newer microgpt wrote; this one knows {latest}. "
            f"Nothing was changed. Try: pip install --upgrade {DISTRIBUTION}"
        )
    return version
