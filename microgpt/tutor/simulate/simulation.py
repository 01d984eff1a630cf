"""A whole simulation: the scripts and their baselines, and, if asked for, every assumption halved or doubled."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from microgpt.errors import ConfigError
from microgpt.tutor.simulate.assumptions import Assumptions, Sweep, swept
from microgpt.tutor.simulate.compare import Swept, differences
from microgpt.tutor.simulate.report import Report
from microgpt.tutor.simulate.school import School, run_schools
from microgpt.tutor.simulate.teachers import find_script, with_baselines
from microgpt.tutor.tools import teachable

_CHANGE = re.compile(r"(\w+)=(.+)")


def simulate(
    course: str,
    *,
    scripts: Sequence[str] = ("microgpt-tutor",),
    goal: str = "",
    learners: int = 200,
    seed: int = 0,
    changes: Sequence[str] = (),
    processes: int = 1,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Report:
    """Teach the same learners with every script and every baseline.

    Args:
        course: a bundled id, or a folder.
        scripts: see `teachers.find_script`; the first one is compared with all others.
        changes: ``NAME=VALUE`` for another assumption; ``half`` or ``double`` for all of it once more with each
            assumption halved or doubled.
        processes: what comes out does not depend on it.
        report: see `run_schools`.

    Raises:
        CourseError, ConfigError: there is no such course, goal, script or assumption.
    """
    taught = teachable(course)
    path = taught.plan(goal)
    teachers = with_baselines([find_script(name) for name in scripts])
    assumptions = changed(Assumptions(), [change for change in changes if change not in ("half", "double")])
    school = School(
        course=course, goal=goal, teachers=teachers, learners=learners, seed=seed, assumptions=assumptions
    )  # fmt: skip
    possible = tuple(teacher for teacher in teachers if teacher.script is not None)  # nobody competes with the oracle
    sweeps = [
        (name, replace(school, assumptions=other, teachers=possible))
        for how in dict.fromkeys(change for change in changes if change in ("half", "double"))
        for name, other in swept(cast(Sweep, how), assumptions)
    ]
    results, *others = run_schools([school, *(other for _, other in sweeps)], processes=processes, report=report)
    return Report(
        school=school,
        course=taught.course.id,
        insights=len(path),
        beliefs=sum(len(taught.course.insights[name].misconceptions) for name in path),
        results=results,
        swept=tuple(
            Swept(name=name, value=getattr(other.assumptions, name), differences=differences(each))
            for (name, other), each in zip(sweeps, others, strict=True)
        ),
    )


def changed(assumptions: Assumptions, changes: Sequence[str]) -> Assumptions:
    """Return the assumptions after changes such as ``slip=0.2``.

    Raises:
        ConfigError: one of them is none.
    """
    for change in changes:
        match = _CHANGE.fullmatch(change)
        try:
            name, value = (match[1], float(match[2])) if match else ("", 0.0)
        except ValueError:
            name, value = "", 0.0
        if not name:
            raise ConfigError(f"{change!r} changes no assumption. Try half, double, or NAME=VALUE such as slip=0.2.")
        assumptions = assumptions.with_value(name, value)
    return assumptions
