"""`microgpt review`: a lesson that begins with what is due, or the day on which something will be."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store

Review = Callable[..., "subprocess.CompletedProcess[str]"]


def review(*args: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "microgpt", "review", *args]
    return subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def learn(averages: Path, study: Callable[..., datetime]) -> Callable[..., datetime]:
    """Return a function that lets a learner learn for a while, some days ago."""

    def learned(days_ago: float, learner: str = "me", *, course: Path = averages) -> datetime:
        now = datetime.now(UTC) - timedelta(days=days_ago)
        with Store.open(default_path(os.environ)) as store:
            store.save_learner(Profile(id=learner, name="Ada", minutes=25))
            return study(store, course, learner, ["right"] * 7, now=now)

    return learned


def test_with_nothing_learned_one_line_says_what_to_do_and_nothing_is_made() -> None:
    done = review()
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    assert done.stdout.endswith("Next:  microgpt tutor\n")
    assert not default_path(os.environ).exists()


def test_with_nothing_due_it_names_the_day_and_nothing_is_written(learn: Callable[..., datetime]) -> None:
    last = learn(0.01)
    before = default_path(os.environ).read_bytes()
    done = review()
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    day = datetime.fromisoformat(done.stdout.split()[4].rstrip(".")).replace(tzinfo=UTC)
    assert timedelta(0) < day - last < timedelta(days=60)
    assert "Next:  microgpt tutor " in done.stdout
    assert default_path(os.environ).read_bytes() == before


def test_what_is_due_is_asked_first_whatever_folder_its_course_is_in(
    learn: Callable[..., datetime], averages: Path
) -> None:
    learn(60)
    done = review(typed="q\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "things are due" in " ".join(done.stdout.split())
    with Store.to_read(default_path(os.environ)) as store:
        events = list(store.events("me-averages"))
        latest = [event.body for event in events if event.kind == "turn"][-1]["plan"]
        assert latest["move"] == "review"  # type: ignore[index, call-overload]
        assert [event.body["minutes"] for event in events if event.kind == "start"][-1] == 25


def test_each_learner_has_their_own(learn: Callable[..., datetime]) -> None:
    learn(60, "ada")
    assert review().stdout.startswith("Nothing to repeat yet")
    assert "are due" in " ".join(review("--learner", "ada", typed="q\n").stdout.split())


def test_a_course_that_is_gone_is_told_and_does_not_stop_the_others(
    learn: Callable[..., datetime], averages: Path, tmp_path: Path, study: Callable[..., datetime]
) -> None:
    learn(60)
    path = default_path(os.environ)
    with Store.open(path) as store:
        first = next(store.events("me-averages"))
        with store.transaction("me-gone") as tx:
            gone = {**vars(first), "seq": 0, "lesson": "me-gone", "course": "gone"}
            tx.append(type(first)(**gone | {"body": {**first.body, "where": str(tmp_path / "gone")}}))
    done = review(typed="q\n")
    assert done.returncode == 0
    assert done.stderr.startswith("microgpt: me-gone is left out: ")
    assert done.stderr.count("\n") == 1
    assert "are due" in " ".join(done.stdout.split())
