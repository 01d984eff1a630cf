"""Times lesson turns in a store that has grown large: the 95th percentile, in milliseconds, on standard output.

    python -m microgpt.bench.lesson

A turn is one call of a lesson tool, from what the learner said to what is on the disk. The learner here reads on, and
answers every question with a guess.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from microgpt.learner.evidence import Event
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Turn

STORED = 100_000  # events
LESSONS = 100  # that they belong to, none of them one that is timed
LEARNERS = 2  # whose lessons are timed, from the first turn to the last


def fill(store: Store, events: int) -> None:
    """Add events of other learners' lessons."""
    now = datetime.now(UTC)
    for number in range(LESSONS):
        learner, lesson = f"other-{number}", f"other-{number}-microgpt"
        with store.transaction(lesson) as tx:
            for turn in range(events // LESSONS):
                body = {"turn": turn}
                tx.append(Event(time=now, learner=learner, course="microgpt", lesson=lesson, kind="ack", body=body))


def seconds_of_turns(tools: LessonTools, learner: str) -> Iterator[float]:
    """Play a lesson to its end, and yield how long each call took."""
    turn, seconds = _timed(lambda: tools.start(learner=learner))
    yield seconds
    while turn.ask or turn.move != "finish":
        turn, seconds = _timed(lambda at=turn: _call(tools, at))
        yield seconds


def _call(tools: LessonTools, turn: Turn) -> Turn:
    """Read on, or answer what is asked with a well-formed guess."""
    if turn.ask is None:
        return tools.next(turn.lesson, turn.ack)
    graded = tools.answer(turn.lesson, turn.ask.ask_id, turn.ask.example)
    return tools.skip(turn.lesson, turn.ask.ask_id) if graded.outcome == "unparsed" else graded.then


def _timed(call: Callable[[], Turn]) -> tuple[Turn, float]:
    start = time.perf_counter()
    turn = call()
    return turn, time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "learner.db") as store:
        fill(store, STORED)
        tools = LessonTools(store, clock=lambda: datetime.now(UTC), heard=lambda quote: True)
        seconds = [each for number in range(LEARNERS) for each in seconds_of_turns(tools, f"ada-{number}")]
    print(1000 * quantiles(seconds, n=20)[-1])


if __name__ == "__main__":
    main()
