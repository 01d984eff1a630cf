"""What a misconception does to training, on a line that is fitted to points."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from microgpt.errors import CourseError
from microgpt.insights import experiment
from microgpt.insights.course import Course, load_course
from microgpt.insights.experiment import experiment_hashes, knock_out, run_experiments
from microgpt.insights.locked import Experiment
from microgpt.sandbox import Job, Outcome
from tests.insights.line_course import BELIEFS, EXPERIMENT, LINE, lock, write_course


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_course(tmp_path_factory.mktemp("line") / "line", BELIEFS))


@pytest.fixture(scope="module")
def verdicts(line: Course) -> dict[str, Experiment]:
    found = run_experiments(line, list(experiment_hashes(line)), workers=2)
    return {belief: experiment for (_, belief), experiment in found}


@pytest.mark.parametrize(
    ("belief", "verdict"),
    [
        ("slower", "worse"),
        ("faster", "better"),
        ("the-same", "no difference"),
        ("backwards", "worse"),  # what it computes is as it was: a wrong step is what the belief is about
        ("backward-only", "worse"),  # so is a wrong gradient
        ("loss-only", "refused"),  # but a loss that is not the one whose gradient is taken tells nothing
        ("loss-and-slope", "better"),
        ("breaks", "crashes"),
        ("no-number", "crashes"),
        ("another-unit", "not comparable"),
        ("elsewhere", "not in training"),
    ],
)
@pytest.mark.slow
def test_every_verdict_is_reached_by_a_belief_that_deserves_it(
    verdicts: Mapping[str, Experiment], belief: str, verdict: str
) -> None:
    assert verdicts[belief].verdict == verdict
    numbers = (verdicts[belief].difference, verdicts[belief].low, verdicts[belief].high)
    compared = verdict in ("worse", "better", "no difference")
    assert all((number is not None) == compared for number in numbers)


@pytest.mark.slow
def test_the_difference_is_that_of_trainings_run_here_with_the_edit_made_by_hand(
    verdicts: Mapping[str, Experiment],
) -> None:
    """The oracle: no sandbox, no mutant, no future, the interval by another road."""

    def losses(source: str) -> list[float]:
        space: dict[str, Any] = {}
        exec(source + EXPERIMENT, space)
        return [space["measure"]([], seed, 200) for seed in (1, 2, 3, 4)]

    mutated = losses(LINE.replace("rate=0.002", "rate=0.0001"))
    differences = [a - b for a, b in zip(mutated, losses(LINE), strict=True)]
    mean = sum(differences) / 4
    reach = 3.182446 * math.sqrt(sum((d - mean) ** 2 for d in differences) / 3 / 4)
    found = verdicts["slower"]
    assert found.difference == pytest.approx(mean, rel=0.05)
    assert (found.low, found.high) == (pytest.approx(mean - reach, rel=0.05), pytest.approx(mean + reach, rel=0.05))


@pytest.mark.parametrize(
    ("symbol", "works"), [("double", False), ("slope", True), ("Box", False), ("Box.get", False), ("RATE", False)]
)
def test_what_is_knocked_out_fails_when_it_is_used_and_all_else_works(symbol: str, works: bool) -> None:
    source = f"{LINE}\n\nclass Box:\n    def get(self):\n        return double(2)\n"
    source += "\n\ndef rate():\n    RATE = 1\n    return RATE\n"
    where = "rate.RATE" if symbol == "RATE" else symbol
    space: dict[str, Any] = {}
    exec(knock_out(source, where), space)
    if works:
        assert space["Box"]().get() * space["rate"]() == 4
    else:
        with pytest.raises((RuntimeError, ZeroDivisionError)):
            assert space["Box"]().get() * space["rate"]()


# ---- What a course's own mistakes come to ----------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("w = fit(", "w = fitt(", r"measure\(\) fails on the subject: NameError.*experiment.py line 7"),
        pytest.param(
            "return sum((w",
            'return "bad" or sum((w',
            r"it returns bad, which is no number",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "return [loss(w, points),",
            "return 1 or [",
            r"gradients\(\) fails on the subject: it returns no \[loss",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "[slope(w, points)]",
            "[2 * slope(w, points)]",
            r"finds the subject's own gradient wrong",
            marks=pytest.mark.slow,
        ),
        ("import random", "import random(", "no Python"),
    ],
)
def test_an_experiment_that_fails_on_the_subject_is_one_error_at_its_file(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    folder = write_course(tmp_path / "line", {"slower": BELIEFS["slower"]})
    assert old in EXPERIMENT
    (folder / "experiment.py").write_text(EXPERIMENT.replace(old, new))
    done = lock(folder, "--experiments")
    assert done.exit_code != 0
    assert isinstance(done.exception, CourseError)
    with pytest.raises(CourseError, match=rf"experiment\.py.*{says}.*Try"):
        raise done.exception


def test_what_is_run_is_what_the_hash_is_of_and_each_source_s_slopes_are_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_course(tmp_path / "line", {"slower": BELIEFS["slower"]})
    course = load_course(folder)
    jobs: list[Job] = []

    def edited_meanwhile(asked: list[Job], **_: object) -> list[Outcome]:
        (folder / "experiment.py").write_text("changed = True")
        jobs.extend(asked)
        if "raise RuntimeError" in asked[0].program.files[0][1]:  # the anchor is knocked out, and is missed
            return [Outcome(kind="error")]
        measures = asked[0].expression.startswith("measure")
        return [Outcome(kind="value", value=1.0 if measures else [1.0, [2.0], [2.0]])]

    expected = experiment_hashes(course)
    monkeypatch.setattr(experiment, "run_jobs", edited_meanwhile)
    [(pair, found)] = run_experiments(course, list(expected), workers=1)
    assert found.hash == expected[pair]
    assert {job.program.files[1] for job in jobs} == {("experiment.py", EXPERIMENT)}
    assert sum("gradients" in job.expression for job in jobs) == 2  # of the subject, and of the mutant


def test_a_course_that_does_not_say_how_it_trains_has_no_experiments(tmp_path: Path) -> None:
    folder = write_course(tmp_path / "line", {"slower": BELIEFS["slower"]})
    (folder / "experiment.py").unlink()
    assert lock(folder).exit_code == 0
    with pytest.raises(CourseError, match=r"experiment\.py: missing.*Try one that defines  measure"):
        raise lock(folder, "--experiments").exception or AssertionError


@pytest.mark.slow
def test_without_gradients_nothing_is_refused(tmp_path: Path) -> None:
    folder = write_course(tmp_path / "line", {"loss-only": BELIEFS["loss-only"]})
    (folder / "experiment.py").write_text(EXPERIMENT.partition("def gradients")[0])
    course = load_course(folder)
    [(_, found)] = run_experiments(course, list(experiment_hashes(course)), workers=1)
    assert found.verdict == "no difference"  # its loss is not what it trains on
