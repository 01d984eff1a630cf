"""What a misconception does to training: on a line that is fitted to points, and on the reference."""

import json
import math
import os
import pty
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.cli import app
from microgpt.content import content_folder
from microgpt.data import load_dataset
from microgpt.errors import CourseError
from microgpt.insights import experiment, verdict
from microgpt.insights.course import Course, load_course
from microgpt.insights.experiment import experiment_hashes, knock_out, run_experiments
from microgpt.insights.lock import experiments_in, lock_path, make_lock, read_lock
from microgpt.insights.locked import Experiment
from microgpt.insights.verdict import Trial, judge_trial
from microgpt.sandbox import Job, Outcome

LINE = """
def loss(w, points):
    return sum((w * x - y) ** 2 for x, y in points) / len(points)


def slope(w, points):
    return sum(2 * x * (w * x - y) for x, y in points) / len(points)


def scale(points):
    return 1.0


def fit(points, steps, rate=0.002):
    w = 0.0
    for _ in range(steps):
        if loss(w, points) == 0:
            break
        w = w - rate * slope(w, points) * scale(points)
    return w


def double(x):
    return 2 * x
"""

EXPERIMENT = """
import random

def measure(documents, seed, steps):
    rng = random.Random(seed)
    points = [(x, 3 * x + rng.gauss(0, 0.1)) for x in (rng.uniform(-1, 1) for _ in range(50))]
    w = fit(points, steps)
    return sum((w * x - 3 * x) ** 2 for x in range(1, 4)) if scale(points) != 100 else None


def gradients():
    points, w, h = [(0.5, 1.0), (1.0, 4.0)], 0.7, 1e-5
    return [loss(w, points), [slope(w, points)], [(loss(w + h, points) - loss(w - h, points)) / (2 * h)]]
"""

# anchor, mutant: each is an insight with one misconception, of the same name
BELIEFS = {
    "slower": ("fit", "- rate=0.002\n+ rate=0.0001"),
    "faster": ("fit", "- rate=0.002\n+ rate=0.02"),
    "the-same": ("slope", "- 2 * x * (\n+ x * 2 * ("),
    "backwards": ("fit", "- w = w - rate\n+ w = w + rate"),
    "backward-only": ("slope", "- 2 * x * (w\n+ x * (w"),
    "loss-only": ("loss", "- (w * x - y) ** 2\n+ abs(w * x - y)"),
    "loss-and-slope": ("loss", "- (w * x - y) ** 2\n+ 9 * (w * x - y) ** 2\n- 2 * x * (w * x\n+ 18 * x * (w * x"),
    "breaks": ("slope", "- / len(points)\n+ / 0"),
    "no-number": ("scale", '- return 1.0\n+ return float("inf")'),
    "another-unit": ("scale", "- return 1.0\n+ return 100.0"),
    "elsewhere": ("double", "- 2 * x\n+ 3 * x"),
}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_course(tmp_path_factory.mktemp("line") / "line", BELIEFS))


def write_course(folder: Path, beliefs: Mapping[str, tuple[str, str]]) -> Path:
    folder.mkdir()
    (folder / "line.py").write_text(LINE)
    (folder / "experiment.py").write_text(EXPERIMENT)
    names = ", ".join(beliefs)
    (folder / "course.yaml").write_text(f"format: 1\nid: line\ntitle: A line\nsubject: line.py\norder: [{names}]\n")
    for name, (anchor, mutant) in beliefs.items():
        diff = mutant.replace("\n", "\n      ")
        (folder / f"{name}.md").write_text(
            f"---\nid: {name}\nclaim: A line.\nanchor: {anchor}\nask: Twice?\ncall: double(x)\n"
            f"questions:\n  one:\n    x: 1\n  two:\n    x: 2\n"
            f"misconceptions:\n  {name}:\n    belief: So.\n    counter: one\n    mutant: |\n      {diff}\n---\nText.\n"
        )
    return folder


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


def test_the_interval_holds_95_percent_of_students_distribution_with_three_degrees_of_freedom() -> None:
    reach, n = verdict._STUDENT, 20_000  # pyright: ignore[reportPrivateUsage]
    width = 2 * reach / n
    points = [-reach + (i + 0.5) * width for i in range(n)]
    density = [6 * math.sqrt(3) / (math.pi * (3 + x * x) ** 2) for x in points]
    assert sum(density) * width == pytest.approx(0.95, abs=1e-6)


def trial(losses: list[float]) -> Trial:
    return Trial(losses=tuple(Outcome(kind="value", value=loss) for loss in losses), slopes=Outcome(kind="value"))


four = st.lists(st.floats(0, 50), min_size=4, max_size=4)


def test_the_interval_reaches_as_far_as_the_pairs_differ() -> None:
    """Worked out by hand: the mean is 2.5, its standard error the root of 5/12, 3.182446 times that 2.054."""
    found = judge_trial(trial([1.0, 4.0, 3.0, 6.0]), trial([0.0, 2.0, 0.0, 2.0]), "")
    assert (found.difference, found.low, found.high) == (2.5, 0.45, 4.6)


@given(four, four)
def test_the_other_way_round_worse_is_better(a: list[float], b: list[float]) -> None:
    there, back = judge_trial(trial(a), trial(b), ""), judge_trial(trial(b), trial(a), "")
    assert {"worse": "better", "better": "worse"}.get(there.verdict, there.verdict) == back.verdict
    assert there.difference == -(back.difference or 0.0)
    assert (there.low, there.high) == (-(back.high or 0.0), -(back.low or 0.0))


@given(four, st.floats(-0.004, 0.004))
def test_less_than_a_hundredth_is_no_difference_however_sure(losses: list[float], little: float) -> None:
    assert judge_trial(trial([loss + little for loss in losses]), trial(losses), "").verdict == "no difference"


def test_the_last_bits_in_which_interpreters_differ_change_no_verdict() -> None:
    rng = random.Random(5)
    usual, mutated = ([rng.uniform(2, 3) for _ in range(4)] for _ in range(2))
    nudged = [loss * (1 + 1e-12) for loss in mutated]
    assert judge_trial(trial(mutated), trial(usual), "") == judge_trial(trial(nudged), trial(usual), "")


@pytest.mark.parametrize("slopes", [None, [1.0], [1.0, [1.0], []], [1.0, ["x"], [1.0]], "text"])
def test_a_mutant_whose_gradient_cannot_be_had_is_refused(slopes: Any) -> None:
    fine = Outcome(kind="value", value=[1.0, [2.0], [2.0]])
    usual = replace(trial([1.0] * 4), slopes=fine)
    odd = replace(trial([2.0] * 4), slopes=Outcome(kind="value", value=slopes))
    assert judge_trial(odd, usual, "").verdict == "refused"
    assert judge_trial(replace(odd, slopes=fine), usual, "").verdict == "worse"


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


# ---- In the lock ----------------------------------------------------------------------------


def lock(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["course", "lock", str(folder), *options])


THREE = {name: BELIEFS[name] for name in ("slower", "breaks", "elsewhere")}


@pytest.fixture(scope="module")
def tried_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_course(tmp_path_factory.mktemp("tried") / "line", THREE)
    assert lock(folder, "--experiments").exit_code == 0
    return folder


@pytest.fixture
def tried(tried_once: Path, tmp_path: Path) -> Path:
    """A course with its experiments in the lock."""
    return Path(shutil.copytree(tried_once, tmp_path / "line"))


@pytest.mark.slow
def test_at_the_end_the_verdicts_are_counted_and_only_a_terminal_sees_progress(tried: Path) -> None:
    lock_path(tried).unlink()
    done = lock(tried, "--experiments", "--json")
    assert done.stderr == "3 experiments: 1 worse, 1 crashes, 1 not in training.\n"
    assert json.loads(done.stdout)["format"] == "microgpt/lock-report/1"
    lock_path(tried).unlink()
    screen, theirs = pty.openpty()
    command = [sys.executable, "-m", "microgpt", "course", "lock", str(tried), "--experiments"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    shown = os.read(screen, 10_000)
    os.close(screen)
    os.close(theirs)
    assert shown.startswith(b"\r1 of 3 experiments\r2 of 3 experiments\r3 of 3 experiments\r\n")


def no_training(*_: object, **__: object) -> None:
    raise AssertionError("nothing is to be trained")


def test_the_lock_holds_a_verdict_a_line_and_gives_the_same_bytes_without_training_again(
    tried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lock_path(tried).read_bytes()
    told = json.loads(before)["insights"]["slower"]["experiments"]["slower"]
    assert list(told) == ["hash", "verdict", "difference", "low", "high"]
    assert told["verdict"] == "worse"
    assert sum(b'"verdict"' in row for row in before.split(b"\n")) == len(THREE)
    verdicts = [found.verdict for found in experiments_in(read_lock(tried)).values()]
    assert verdicts == ["worse", "crashes", "not in training"]
    monkeypatch.setattr(experiment, "run_jobs", no_training)
    for options in ([], ["--check"], ["--experiments"], ["--check", "--experiments"]):
        assert lock(tried, *options).exit_code == 0
    assert lock_path(tried).read_bytes() == before
    assert make_lock(load_course(tried), old=read_lock(tried)) == read_lock(tried)


@pytest.mark.slow
def test_what_no_longer_holds_leaves_the_lock_with_a_notice_and_the_rest_stays(
    tried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = experiments_in(read_lock(tried))
    page = tried / "slower.md"
    page.write_text(page.read_text().replace("+ rate=0.0001", "+ rate=0.00001"))
    monkeypatch.setattr(experiment, "run_jobs", no_training)
    checked = lock(tried, "--check")
    assert checked.exit_code == 1
    assert "1 experiment to be made." in checked.stdout
    assert checked.stdout.endswith(f"Next:  microgpt course lock {tried} --experiments\n")
    assert json.loads(lock(tried, "--check", "--json").stdout)["stale_experiments"] == ["slower/slower"]
    made = lock(tried)
    assert "1 experiment no longer held and left the lock." in made.stdout
    assert experiments_in(read_lock(tried)) == {p: e for p, e in before.items() if p[0] != "slower"}
    assert lock(tried, "--check").exit_code == 0  # whoever wants none need not make any
    monkeypatch.undo()
    assert lock(tried, "--check", "--experiments").exit_code == 1
    assert lock(tried, "--experiments").exit_code == 0
    again = experiments_in(read_lock(tried))
    assert list(again) == list(before)
    assert {p for p in before if before[p] != again[p]} == {("slower", "slower")}


@pytest.mark.parametrize(
    ("name", "old", "new", "gone"),
    [
        ("breaks.md", "ask: Twice?", "ask: How much?", 0),
        ("breaks.md", "x: 2", "x: 3", 0),
        ("breaks.md", "belief: So.", "belief: Thus.", 0),
        ("line.py", "def double", "# a comment\ndef double", 0),
        ("experiment.py", "import random", "import random  # a comment", 0),
        ("breaks.md", "anchor: slope", "anchor: fit", 1),
        ("line.py", "0.0\n", "0.5\n", 3),
        ("experiment.py", "range(50)", "range(51)", 3),
        ("course.yaml", "format: 1", "datasets: [names]\nformat: 1", 3),
    ],
)
def test_a_verdict_depends_on_code_mutant_and_anchor_and_on_no_question(
    tried: Path, name: str, old: str, new: str, gone: int
) -> None:
    text = (tried / name).read_text()
    assert old in text
    (tried / name).write_text(text.replace(old, new, 1))
    assert len(json.loads(lock(tried, "--check", "--json").stdout)["stale_experiments"]) == gone


def test_another_recipe_makes_every_experiment_stale(tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "RECIPE", 0)
    assert len(json.loads(lock(tried, "--check", "--json").stdout)["stale_experiments"]) == len(THREE)


@pytest.mark.slow
def test_interrupted_it_keeps_what_was_made_and_goes_on_from_there(tmp_path: Path) -> None:
    folder = write_course(tmp_path / "line", {"slower": BELIEFS["slower"], "breaks": BELIEFS["breaks"]})
    page = (folder / "breaks.md").read_text()
    (folder / "breaks.md").write_text(page.replace("+ / 0", "+ / len([x for x in iter(int, 1)])"))  # takes a while
    command = [sys.executable, "-m", "microgpt", "course", "lock", str(folder), "--experiments"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (lock_path(folder).exists() and b"verdict" in lock_path(folder).read_bytes()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Stopped: 1 experiment of 2 made and kept. To go on:  microgpt course lock" in said
    assert "Traceback" not in said
    assert list(experiments_in(read_lock(folder))) == [("slower", "slower")]


# ---- The course of the reference ------------------------------------------------------------


@pytest.fixture(scope="module")
def reference_space() -> dict[str, Any]:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    return experiment_space(source)


def experiment_space(source: str) -> dict[str, Any]:
    text = (content_folder("curriculum") / "microgpt" / "experiment.py").read_text(encoding="utf-8")
    space: dict[str, Any] = {"__name__": "subject"}
    exec(source + text, space)
    return space


def documents() -> list[str]:
    names = load_dataset("names").documents
    return [*names[:: len(names) // 400][:400]]


@pytest.mark.slow
def test_the_reference_is_measured_token_by_token_as_it_would_be_at_once(reference_space: dict[str, Any]) -> None:
    """The oracle: the reference's own loss over whole documents, weighted by their tokens."""
    seed, docs = 3, documents()
    weights, chars, _ = reference.train(docs[100:], 5, seed, report=lambda line: None)
    encoded = [reference.encode(doc, chars) for doc in docs[:100]]
    losses = [reference.loss_and_gradients(weights, tokens, 4)[0] * (len(tokens) - 1) for tokens in encoded]
    assert reference_space["measure"](docs, seed, 5) == pytest.approx(
        sum(losses) / sum(len(tokens) - 1 for tokens in encoded), rel=1e-9
    )


def test_the_reference_s_gradient_is_its_own(reference_space: dict[str, Any]) -> None:
    _, claimed, measured = reference_space["gradients"]()
    assert len(claimed) == 9
    assert claimed == pytest.approx(measured, rel=1e-5, abs=1e-8)


def test_other_tokens_do_not_compare() -> None:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    old = "for char in text] + [len(chars)]"
    assert old in source
    space = experiment_space(source.replace(old, "for char in text]"))
    assert space["measure"](documents(), 1, 1) is None


@pytest.mark.slow
def test_a_model_that_looks_ahead_learns_to_cheat_and_is_measured_without_it() -> None:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    old = "softmax(row[:t + 1]) + [0.0] * (len(row) - t - 1)"
    assert old in source
    space = experiment_space(source.replace(old, "softmax(row)"))
    usual = experiment_space(source)
    seeds = (1, 2)
    differences = [space["measure"](documents(), s, 200) - usual["measure"](documents(), s, 200) for s in seeds]
    assert statistics.fmean(differences) > 0.05
