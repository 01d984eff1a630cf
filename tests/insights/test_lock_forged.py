"""A lock that a stranger wrote: with the right hashes, and anything else."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microgpt.errors import CourseError
from microgpt.insights.course import load_course
from microgpt.insights.lock import Lock, lock_path, make_lock, read_lock, render_lock, stale, with_experiments
from microgpt.insights.locked import Experiment

MEAN, OUTLIER = "a-mean-is-a-fair-share", "one-outlier-is-enough"


Forger = Callable[[dict[str, Any]], object]
FORGERIES: dict[str, Forger] = {
    "an answer is missing": lambda q: q["answers"].pop("takes-the-middle"),
    "an answer nobody could type": lambda q: q["answers"].update({"takes-the-middle": None}),
    "a misconception that is not there": lambda q: q["shows"].append("nobodys"),
    "a key of another kind": lambda q: q.update(key="four"),
    "a number beyond all floats": lambda q: q.update(key=10**400),
    "an object for a key": lambda q: q.update(key={"a": 1}),
    "a choice of nothing": lambda q: q.update(kind="choice"),
    "another shape": lambda q: q.update(shape=[2]),
    "other inputs": lambda q: q.update(inputs={"numbers": [1]}),
    "a holdout to teach with": lambda q: q.update(holdout=not q["holdout"]),
    "another question": lambda q: q.update(id="new"),
    "a parallel one that was authored": lambda q: q.update(parallel=True),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_lock_with_the_right_hash_and_answers_that_cannot_be_is_stale(
    lock: Lock, folder: Path, forge: Forger
) -> None:
    data = json.loads(render_lock(lock))
    forge(data["insights"][MEAN]["questions"][0])
    lock_path(folder).write_text(json.dumps(data))
    course, forged = load_course(folder), read_lock(folder)
    assert stale(course, forged) == (MEAN,)


@pytest.mark.parametrize("change", [{"holdout": True}, {"id": "three"}])
def test_a_parallel_question_is_no_holdout_and_has_a_name_of_its_own(
    lock: Lock, folder: Path, change: dict[str, Any]
) -> None:
    data = json.loads(render_lock(lock))
    parallel = data["insights"][MEAN]["questions"][-1]
    assert parallel["parallel"]
    parallel.update(change)
    lock_path(folder).write_text(json.dumps(data))
    assert stale(load_course(folder), read_lock(folder)) == (MEAN,)


def test_answers_that_nobody_computes_are_those_on_the_page_whatever_a_lock_says(lock: Lock, folder: Path) -> None:
    text = render_lock(lock)
    assert '"key": "It rises a lot."' in text
    lock_path(folder).write_text(text.replace('"key": "It rises a lot."', '"key": "It falls."'))
    assert stale(load_course(folder), read_lock(folder)) == (OUTLIER,)


@pytest.mark.parametrize("value", ["[" * 900 + "]" * 900, r'"\ud800"'])
def test_a_lock_that_holds_no_plain_value_is_refused(lock: Lock, folder: Path, value: str) -> None:
    text = render_lock(lock)
    lock_path(folder).write_text(re.sub(r'"key": [^,]+,', lambda _: f'"key": {value},', text, count=1))
    with pytest.raises(CourseError, match=r"damaged.*Try: microgpt course lock"):
        read_lock(folder)


def test_a_difference_without_its_interval_is_refused(lock: Lock, folder: Path) -> None:
    found = Experiment(hash="", verdict="worse", difference=0.5, low=0.1, high=0.9)
    text = render_lock(with_experiments(lock, {(MEAN, "takes-the-middle"): found}))
    assert ', "low": 0.1' in text
    lock_path(folder).write_text(text.replace(', "low": 0.1', ""))
    with pytest.raises(CourseError, match="a difference without its interval"):
        read_lock(folder)


# What the subject itself can do: write to every file that is open, as if it were the sandbox's answer.
FORGER = """
def forge():
    import os
    for fd in range(3, 64):
        for number in range(99):
            try:
                os.write(fd, b'{"number": %d, "kind": "value", "value": 7, "notes": [[999, "x", 1]]}\\n' % number)
            except OSError:
                pass
"""


@pytest.mark.slow
def test_live_values_that_the_subject_forged_are_left_out(folder: Path) -> None:
    source = (folder / "averages.py").read_text()
    (folder / "averages.py").write_text(source.replace("    total = ", "    forge()\n    total = ", 1) + FORGER)
    locked = make_lock(load_course(folder))
    assert {(q.key, q.walk) for q in locked.insights[MEAN].questions} == {(7, ())}


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(lock_path(tmp_path))
    with pytest.raises(CourseError, match=r"no file.*Try: microgpt course lock"):
        read_lock(tmp_path)
