"""Lessons in processes that are killed: run by `test_killed_lessons.py`, as a process of its own.

    python killed_lessons.py FOLDER SEED COUNT

It reads the course once, then forks: each lesson is taught whole in one child, into FOLDER/whole.db, and once more into
FOLDER/killed.db by children that die of SIGKILL at some point, until one gets to its end. For each it prints what was
acknowledged: an act is told once its tool has returned.
"""

import json
import os
import random
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from microgpt.insights.grading import parse
from microgpt.insights.locked import Fault
from microgpt.learner.store import Store
from microgpt.tutor import tools as tools_module
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState
from microgpt.tutor.tools import LessonTools, teachable
from microgpt.tutor.turns import Turn
from microgpt.tutor.view import Teachable

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
TURNS = 16  # after which a lesson is long enough
KINDS = ("right", "wrong", "nonsense", "hint", "reveal", "skip", "contest")
LIES = 4  # in one of so many lessons the keys are wrong, so that a contest takes an answer back
Tell = Callable[..., None]


class Pupil:
    """A learner whose every act follows from the lesson's number and the turn, so that lessons can be compared."""

    def __init__(self, path: Path, number: int, tell: Tell) -> None:
        self._store, self._number, self._tell = Store.open(path), number, tell
        self._now = MONDAY
        self._tools = LessonTools(
            self._store,
            clock=lambda: self._now,
            heard=lambda quote: True,
            may_run=lambda: False,
        )
        self._lesson = f"pupil-{number}-microgpt"

    def learn(self) -> None:
        goals = ["", *teachable("microgpt").course.goals]
        goal = goals[self._number % len(goals)]
        turn = self._tools.start(learner=f"pupil-{self._number}", goal=goal)
        self._tell("start", "", turn.turn)
        while turn.turn < TURNS and (turn.ask or turn.move != "finish"):
            self._now = MONDAY + timedelta(minutes=turn.turn)
            self._contest(turn)
            if turn.ask is not None:
                self._act(turn, turn.ask.ask_id)
                turn = self._tools.next(turn.lesson)
            else:
                turn = self._tools.next(turn.lesson, turn.ack)
                self._tell("next", "", turn.turn)
        self._tell("finished", "", turn.turn)

    def _act(self, turn: Turn, ask: str) -> None:
        tools, lesson = self._tools, self._lesson
        kind, ask_now = self._kind(turn.turn), self._state().ask
        assert ask_now is not None
        if kind == "skip":
            self._tell("skip", ask, tools.skip(lesson, ask).turn)
        elif kind == "reveal" and not ask_now.holdout:
            self._tell("reveal", ask, tools.reveal(lesson, ask).outcome)
        else:
            if kind == "hint" and not ask_now.rung and not ask_now.holdout:
                self._tell("hint", ask, tools.hint(lesson, ask).rung)
            if kind == "nonsense" and self._answer(ask, "what?"):
                return  # where a word is asked for, it is an answer
            wrong = kind in ("wrong", "contest")
            assert self._answer(ask, self._words(turn, ask_now.insight, ask_now.question, wrong=wrong))

    def _answer(self, ask: str, words: str) -> bool:
        outcome = self._tools.answer(self._lesson, ask, words).outcome
        self._tell("unparsed" if outcome == "unparsed" else "answer", ask, outcome)
        return outcome != "unparsed"

    def _contest(self, turn: Turn) -> None:
        """Contest the answer before this turn: once more where it was contested, and killed before it heard of it."""
        last = self._state().closed[-1:]
        if last and self._number % LIES == 0 and last[0].question and not last[0].holdout:
            ask = last[0].ask_id
            if ask.endswith(str(turn.turn - 1)) and self._kind(turn.turn - 1) == "contest":
                verdict = self._tools.contest(self._lesson, ask, "I don't think so")
                self._tell("contest", ask, verdict.upheld)

    def _kind(self, turn: int) -> str:
        return random.Random(f"{self._number}/{turn}").choice(KINDS)

    def _state(self) -> LessonState:
        return current_state(self._store, self._lesson, *self._store.snapshot(self._lesson))

    def _words(self, turn: Turn, insight: str, question: str, *, wrong: bool) -> str:
        if not question:
            return "a" if turn.ask and turn.ask.options else str(turn.say["source"]["start"])  # type: ignore[index, call-overload]
        asked = tools_module.teachable("microgpt").questions(insight)[question]
        answers = [a for a in asked.answers.values() if not isinstance(a, Fault) and a != asked.key] if wrong else []
        words = [a if isinstance(a, str) else json.dumps(a) for a in (*answers, asked.key)]
        return next(w for w in words if parse(w, asked.kind, options=asked.options, shape=asked.shape) is not None)


def lying(taught: Teachable) -> Teachable:
    """Return a course whose numbers are all wrong."""
    locked = {
        name: replace(insight, questions=tuple(replace(q, key=_other(q.key)) for q in insight.questions))
        for name, insight in taught.lock.insights.items()
    }
    return replace(taught, lock=replace(taught.lock, insights=locked))


def _other(key: object) -> object:
    return key + 50 if isinstance(key, int | float) else key


def taught_in_a_child(path: Path, number: int, *, acts: int = 0, later_s: float = 0.0) -> tuple[list[str], bool]:
    """Teach in a fork, killed some seconds after so many acts, if any; return what was told, and whether it died."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        code = 1
        try:
            Pupil(path, number, lambda *what: os.write(theirs, json.dumps(what).encode() + b"\n") and None).learn()
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(theirs)
    told = b""
    while (not acts or told.count(b"\n") < acts) and (piece := os.read(ours, 65536)):
        told += piece
    if acts:
        select.select([], [], [], later_s)
        os.kill(child, signal.SIGKILL)
    while piece := os.read(ours, 65536):
        told += piece
    os.close(ours)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status)
    assert died or os.WEXITSTATUS(status) == 0, f"pupil {number} failed"
    return told.decode().splitlines(), died


def main(folder: Path, seed: int, count: int) -> None:
    rng, taught = random.Random(seed), teachable("microgpt")
    lies = lying(taught)
    for number in range(seed, seed + count):
        tools_module.teachable = lambda where, lie=number % LIES == 0: lies if lie else taught  # type: ignore[assignment]
        whole, _ = taught_in_a_child(folder / "whole.db", number)
        killed, kills, left = list[str](), 0, rng.choice((1, 1, 2, 3))
        while True:
            most = len(whole) if kills else max(2, len(whole) // 2)  # the first one while there is much left
            acts = rng.randrange(1, most) if left else 0  # at times fewer are left: then it is not killed
            told, died = taught_in_a_child(folder / "killed.db", number, acts=acts, later_s=rng.uniform(0, 0.01))
            killed, kills, left = [*killed, *told], kills + died, max(0, left - 1)
            if not died:
                break
        acts_ = [json.loads(act) for act in killed]
        print(json.dumps({"lesson": f"pupil-{number}-microgpt", "kills": kills, "acts": acts_}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
