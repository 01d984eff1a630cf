"""Every learner taught by every teacher: the same learners, in as many processes as you like.

What comes out depends on the plan alone: a lesson draws from generators that its learner's number seeds.
"""

import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean

from microgpt.tutor.session import Lesson
from microgpt.tutor.simulate.assumptions import Assumptions
from microgpt.tutor.simulate.learner import Kind, Learner, enrol
from microgpt.tutor.simulate.lesson import SimulatedLesson
from microgpt.tutor.simulate.mind import expected
from microgpt.tutor.simulate.oracle import Oracle
from microgpt.tutor.simulate.teachers import Teacher
from microgpt.tutor.tools import teachable
from microgpt.tutor.view import Teachable

VISITS: tuple[float, ...] = (2, 7)  # days after the first lesson
LONG_AWAY: tuple[float, ...] = (30,)  # of the one who comes back after 30 days
DELAY = 14  # days from the last visit to the last measurement
CHUNK = 10  # learners handed to a process at once


@dataclass(frozen=True, kw_only=True)
class School:
    """What is simulated.

    Args:
        course: a bundled id, or a folder.
        learners: how many; numbered from 0, see `learner.enrol`.
    """

    course: str
    goal: str
    teachers: tuple[Teacher, ...]
    learners: int
    seed: int
    assumptions: Assumptions = field(default_factory=Assumptions)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One learner's time with one teacher.

    Args:
        before, after, later: the probability of a right answer to a held-out question, the mean over those of the goal:
            before the first lesson, right after the last visit, and `DELAY` days after that.
        minutes: spent in the lesson and the visits.
        planted: beliefs that were planted; the rest is counted by `lesson.Tally`.
    """

    learner: int
    kind: Kind
    teacher: str
    before: float
    after: float
    later: float
    minutes: float
    moves: Mapping[str, int]
    planted: int
    named: int
    mastered: int
    mastered_falsely: int
    spared: int
    spared_falsely: int
    taught: int
    taught_needlessly: int
    dead_end: bool


def run_schools(
    schools: Sequence[School], *, processes: int = 1, report: Callable[[int, int], None] = lambda done, of: None
) -> list[list[Result]]:
    """Return, for each school, the results of all learners with all teachers, learner by learner.

    Args:
        report: told now and then how many lessons have been taught, and of how many.
    """
    work = [
        (school, range(at, min(at + CHUNK, school.learners)))
        for school in schools
        for at in range(0, school.learners, CHUNK)
    ]
    of, done = sum(school.learners * len(school.teachers) for school in schools), list[list[Result]]()
    with ExitStack() as stack:
        came = map(_attend_all, work)
        if processes > 1 and len(work) > 1:
            spawn = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(processes, mp_context=spawn, initializer=_leave_ctrl_c_to_the_parent)
            stack.callback(pool.shutdown, cancel_futures=True)  # after a Ctrl-C, only what is under way is waited for
            came = pool.map(_attend_all, work)
        for results in came:
            done.append(results)
            report(sum(map(len, done)), of)
    parts = [(school, results) for (school, _), results in zip(work, done, strict=True)]
    return [[result for of, results in parts if of is school for result in results] for school in schools]


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _attend_all(work: tuple[School, range]) -> list[Result]:
    school, numbers = work
    taught = teachable(school.course)  # read once a process
    return [attend(school, taught, teacher, number) for number in numbers for teacher in school.teachers]


def attend(school: School, taught: Teachable, teacher: Teacher, number: int) -> Result:
    """Return what became of one learner with one teacher."""
    assumptions = school.assumptions
    learner = enrol(number, school.seed, taught, school.goal, assumptions)
    before = score(learner, taught, 0, assumptions)
    visits = LONG_AWAY if learner.kind == "returner" else VISITS
    sittings = ((0.0, assumptions.lesson_minutes), *((day, assumptions.visit_minutes) for day in visits))
    script = teacher.script_for(f"{school.seed}/{number}/{teacher.name}")
    if script is None:
        lesson = Oracle(learner, assumptions)
    else:
        name = f"learner-{number}"
        lesson = SimulatedLesson(
            Lesson(id=name, learner=name, taught=taught, script=script, may_run=_never),
            learner,
            school.goal,
            assumptions,
            gives_away=teacher.way == "answer-bot",
        )
    for day, minutes in sittings:
        lesson.sit(day, minutes)
    tally, end = lesson.tally, visits[-1] + 0.1  # days; the last visit is over by then
    return Result(
        learner=number,
        kind=learner.kind,
        teacher=teacher.name,
        before=before,
        after=score(learner, taught, end, assumptions),
        later=score(learner, taught, end + DELAY, assumptions),
        minutes=tally.seconds / 60,
        moves=dict(tally.moves),
        planted=len(learner.planted),
        named=len(tally.named),
        mastered=tally.mastered,
        mastered_falsely=tally.mastered_falsely,
        spared=tally.spared,
        spared_falsely=tally.spared_falsely,
        taught=tally.taught,
        taught_needlessly=tally.taught_needlessly,
        dead_end=tally.dead_end,
    )


def score(learner: Learner, taught: Teachable, day: float, assumptions: Assumptions) -> float:
    """Return the expected share of held-out questions that a learner would answer rightly, without any chance in it."""
    return fmean(
        expected(trace, question, day, assumptions)
        for name, trace in learner.head.items()
        for question in taught.questions(name).values()
        if question.holdout
    )


def _never() -> bool:
    """A simulated learner writes no code, so none is run."""
    return False
