"""Experiments in the lock: made once, kept while they hold, and kept when one stops half way."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from microgpt.insights import experiment
from microgpt.insights.course import load_course
from microgpt.insights.lock import experiments_in, lock_path, make_lock, read_lock
from tests.insights.line_course import BELIEFS, lock, write_course

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


@pytest.mark.slow
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
