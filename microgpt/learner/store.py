"""Where the learner's record is kept: one SQLite file, to which a lesson only ever adds events.

Read `evidence.py` first: a row of ``events`` is an `Event`. A snapshot is a lesson's state, derived from its events
and rebuilt from them where it is lost. The tables are in `database.py`.

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
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, get_args

from microgpt.learner.answers import Answer
from microgpt.learner.database import explained, open_database, open_to_read, prepare
from microgpt.learner.evidence import Event, Json, Kind, to_json
from microgpt.learner.mistakes import Heard, Mistake
from microgpt.learner.profile import Profile
from microgpt.learner.tallies import HEARD, MISTAKES

_INSERT = """
    INSERT INTO events (seq, time, learner, course, lesson, kind, ask_id, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""

_EVENTS = """
    SELECT seq, time, learner, course, lesson, kind, ask_id, body FROM events
    WHERE lesson = ? AND seq > ? ORDER BY seq"""

# Without their bodies, which would take ten times as long to read.
_ANSWER = """
    SELECT time, ask_id, json_extract(body, '$.insight', '$.question_hash', '$.outcome', '$.quote', '$.misconceptions',
        '$.refutes', '$.hint_rung', '$.options', '$.witnessed', '$.exercise') FROM events
    WHERE lesson = :lesson"""

# A voided attempt is none.
_ANSWERS = f"""
    {_ANSWER} AND kind = 'evidence'
        AND ask_id NOT IN (SELECT ask_id FROM events WHERE lesson = :lesson AND kind = 'void')
    ORDER BY seq"""

_PROFILE = "id, name, language, background, interests, minutes"

# Hops from one lesson's name to the next, so that the cost depends on the number of lessons, not of events.
_LESSONS = """
    WITH RECURSIVE names(lesson) AS (
        SELECT min(lesson) FROM events
        UNION ALL
        SELECT (SELECT min(lesson) FROM events WHERE lesson > names.lesson) FROM names WHERE lesson IS NOT NULL
    )
    SELECT lesson, learner, course, time FROM names JOIN events USING (lesson)
    WHERE seq = (SELECT max(seq) FROM events WHERE lesson = names.lesson)"""


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
        with _damage():
            self.state: Json = json.loads(snapshot[1]) if snapshot else None

    def append(self, event: Event) -> Event:
        """Add an event to the lesson and return it with its ``seq``; it is durable once the block has ended."""
        assert self._db.in_transaction, "the block of this transaction has ended"
        assert event.lesson == self._lesson, f"an event of {event.lesson!r} in a transaction on {self._lesson!r}"
        assert event.seq == 0, f"stored already, as {event.seq}"
        assert event.time.utcoffset() == timedelta(0), f"{event.time!r} is not UTC"
        event = replace(event, seq=self.seq + 1)
        row = (event.seq, event.time.isoformat(), event.learner, event.course, event.lesson, event.kind, event.ask_id)
        self._db.execute(_INSERT, (*row, to_json(event.body)))
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
    def open(cls, path: Path, *, create: bool = True, wait_s: float = 10.0) -> Self:
        """Open the record, bringing an older format up to date.

        Args:
            path: of the file, see `default_path`.
            create: False to read only: where no file is, none is made, and the store is empty.
            wait_s: seconds that a transaction waits for another process.
        """
        return cls(open_database(path, create=create, wait_s=wait_s), path)

    @classmethod
    def to_read(cls, path: Path, *, wait_s: float = 10.0) -> Self:
        """Open the record to look at it only: nothing is made or changed; where no file is, the store is empty."""
        return cls(open_to_read(path, wait_s=wait_s), path)

    @classmethod
    def in_memory(cls) -> Self:
        """Return a store that is gone with the process, for simulations."""
        path = Path(":memory:")
        db = sqlite3.connect(path, isolation_level=None)
        prepare(db, path)
        return cls(db, path)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def transaction(self, lesson: str) -> Generator[Transaction]:
        """Hold a lesson while the block runs: all of its appends and saves happen, or, on any exception, none.

        Processes that want to write are served one after the other, so what a block reads stays true until it ends.
        """
        with explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._db, lesson)
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def snapshot(self, lesson: str) -> tuple[Json, int]:
        """Return a lesson's last saved state and the seq of the last event folded into it; None and 0 for a new one."""
        with explained(self._path), _damage():
            row = self._db.execute("SELECT state, seq FROM snapshots WHERE lesson = ?", (lesson,)).fetchone()
            return (json.loads(row[0]), row[1]) if row else (None, 0)

    def events(self, lesson: str, after: int = 0) -> Iterator[Event]:
        """Yield a lesson's events with a ``seq`` above ``after``, in order."""
        with explained(self._path):
            for row in self._db.execute(_EVENTS, (lesson, after)):
                yield _event(row)

    def answers(self, lesson: str) -> list[Answer]:
        """Return a lesson's graded answers that stand, in order."""
        with explained(self._path), _damage():
            rows = self._db.execute(_ANSWERS, {"lesson": lesson}).fetchall()
            bodies = json.loads(f"[{','.join(fields for _, _, fields in rows)}]")  # one text is read faster than many
        return [_answer(lesson, time, ask, body) for (time, ask, _), body in zip(rows, bodies, strict=True)]

    def mistakes(self, lesson: str) -> list[Mistake]:
        """Return the beliefs that answers pointed at: first what nothing ruled out, then what recurs most."""
        with explained(self._path), _damage():
            return [
                Mistake(
                    insight=insight,
                    misconception=misconception,
                    signs=signs,
                    latest=tuple(self._answer_at(lesson, seq) for seq in latest if seq),
                    ruled_out=ruled_out,
                )
                for insight, misconception, signs, ruled_out, *latest in self._db.execute(MISTAKES, (lesson,))
            ]

    def heard(self, lesson: str) -> dict[str, Heard]:
        """Return how many answers count, by insight; nothing where there are none."""
        with explained(self._path):
            return {
                insight: Heard(witnessed=witnessed, reported=reported, wrong=wrong)
                for insight, witnessed, reported, wrong in self._db.execute(HEARD, (lesson,))
            }

    def _answer_at(self, lesson: str, seq: int) -> Answer:
        time, ask, body = self._db.execute(f"{_ANSWER} AND seq = :seq", {"lesson": lesson, "seq": seq}).fetchone()
        return _answer(lesson, time, ask, json.loads(body))

    def lessons(self, learner: str | None = None) -> list[LessonRow]:
        """Return all lessons, or a learner's, by name."""
        with explained(self._path), _damage():
            rows = [
                LessonRow(id=lesson, learner=of, course=course, last=datetime.fromisoformat(last))
                for lesson, of, course, last in self._db.execute(_LESSONS)
            ]
        return [row for row in rows if learner in (None, row.learner)]

    def learner(self, id: str) -> Profile | None:
        """Return a learner's profile; None for a stranger."""
        with explained(self._path):
            row = self._db.execute(f"SELECT {_PROFILE} FROM learners WHERE id = ?", (id,)).fetchone()
        return Profile(**dict(zip(_PROFILE.split(", "), row, strict=True))) if row else None

    def learners(self) -> list[str]:
        """Return the ids of all who have a profile or a lesson."""
        with explained(self._path):
            known = [id for (id,) in self._db.execute("SELECT id FROM learners")]
        return sorted({*known, *(lesson.learner for lesson in self.lessons())})

    def save_learner(self, profile: Profile) -> None:
        """Keep a learner's profile in place of the one before."""
        with explained(self._path):
            row = [getattr(profile, field) for field in _PROFILE.split(", ")]
            self._db.execute(f"REPLACE INTO learners ({_PROFILE}) VALUES (?, ?, ?, ?, ?, ?)", row)


def _event(row: tuple[int, str, str, str, str, str, str, str]) -> Event:
    """Return the event that a row of `_EVENTS` holds."""
    seq, time, learner, course, lesson, kind, ask_id, body = row
    with _damage():
        if kind not in get_args(Kind):
            raise ValueError(f"{kind!r} is no kind of event")
        return Event(
            seq=seq,
            time=datetime.fromisoformat(time),
            learner=learner,
            course=course,
            lesson=lesson,
            kind=cast(Kind, kind),
            ask_id=ask_id,
            body=json.loads(body),
        )


def _answer(lesson: str, time: str, ask: str, body: list[Any]) -> Answer:
    """Return the answer that a row of `_ANSWERS` holds."""
    insight, hash, outcome, quote, misconceptions, refutes, rung, options, witnessed, exercise = body
    return Answer(
        id=f"{lesson}/{ask}",
        time=datetime.fromisoformat(time),
        insight=insight,
        question_hash=hash,
        outcome=outcome,
        quote=quote,
        misconceptions=tuple(misconceptions),
        refutes=tuple(refutes or ()),
        assisted=rung > 0,
        options=options,
        witnessed=witnessed,
        exercise=exercise or "",
    )


@contextmanager
def _damage() -> Generator[None]:
    """Take a stored text that does not parse for what it is: a damaged file, reported as SQLite reports a bad page."""
    try:
        yield
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from error
