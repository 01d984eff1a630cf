"""A course of thousands of insights: read and checked in time that grows with it, and no faster."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt.insights.course import Course, load_course, plan, read_course

MOST_CPU_S = 10.0
MOST_MEMORY_MB = 500

PAGE = """\
---
id: {name}
claim: Idea {number} stands on the one before it.
anchor: mean
needs: [{needs}]
ask: What is their mean?
call: mean(numbers)
questions:
  three:
    numbers: [1, 2, {number}]
  four:
    numbers: [0, 5, 7, {number}]
  last:
    holdout: true
    numbers: [3, 4, 4, {number}]
misconceptions:
  takes-the-middle:
    belief: It is the number in the middle.
    mutant: |
      - total / len(numbers)
      + sorted(numbers)[len(numbers) // 2]
    counter: three
  forgets-to-share:
    belief: It is what they have together.
    mutant: |
      - return total / len(numbers)
      + return total
    counter: four
skip: Medians.
---
Put everything on one heap and deal it out again.

## Where it breaks
Nobody may have the mean.
"""
MEASURED = """\
import json, resource, sys
from pathlib import Path
from microgpt.bench.probe import peak_bytes
from microgpt.insights.course import plan, read_course
begun = resource.getrusage(resource.RUSAGE_SELF)
course, errors = read_course(Path(sys.argv[1]))
planned = plan(course, "all")
ended = resource.getrusage(resource.RUSAGE_SELF)
seconds = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
print(json.dumps([len(planned), len(errors), seconds, peak_bytes() / 1e6]))
"""


def write_course(folder: Path, size: int) -> Path:
    """Write a course in which each idea needs the one before it, and the order lists them the wrong way round."""
    folder.mkdir()
    (folder / "averages.py").write_text(
        "def mean(numbers):\n    total = sum(numbers)\n    return total / len(numbers)\n"
    )
    names = [f"idea-number-{number}" for number in range(size)]
    for number, name in enumerate(names):
        (folder / f"{name}.md").write_text(
            PAGE.format(name=name, number=number, needs=", ".join(names[max(0, number - 1) : number]))
        )
    order = ", ".join(reversed(names))
    (folder / "course.yaml").write_text(
        f"format: 1\nid: large\ntitle: Large\nsubject: averages.py\norder: [{order}]\ngoals:\n  all: [{order}]\n"
    )
    return folder


def measure(folder: Path) -> tuple[float, float]:
    """Return the seconds of processor time and the megabytes that reading and planning a course takes."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(folder)], capture_output=True, text=True, check=True)
    planned, errors, seconds, megabytes = json.loads(done.stdout)
    assert (planned, errors) == (len(list(folder.glob("*.md"))), 0)
    return seconds, megabytes


def calls_made(course: Course) -> int:
    """Return how many calls, built-in functions included, it takes to plan a course."""
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        plan(course)
    finally:
        sys.setprofile(None)
    return made


def test_twice_the_course_is_twice_the_work_even_if_its_order_is_the_wrong_way_round(tmp_path: Path) -> None:
    small, large = (load_course(write_course(tmp_path / str(size), size)) for size in (50, 100))
    assert plan(large) == tuple(reversed(large.order))
    assert calls_made(large) < 2.2 * calls_made(small)


def test_a_thousand_names_that_are_not_there_are_told_and_only_the_first_few_with_the_nearest(tmp_path: Path) -> None:
    folder = write_course(tmp_path / "course", 30)
    yaml = folder / "course.yaml"
    wrong = ", ".join(f"idea-numbr-{number}" for number in range(1000))
    yaml.write_text(yaml.read_text().split("goals:")[0] + f"goals:\n  all: [{wrong}]\n")
    _, errors = read_course(folder)
    assert len(errors) == 1000
    assert 0 < sum("Try idea-number-" in error.message for error in errors) < 50
    assert all("Try" in error.message for error in errors)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_thousand_insights_are_read_within_budget_and_ten_times_five_hundred(tmp_path: Path) -> None:
    few, _ = min(measure(write_course(tmp_path / str(i), 500)) for i in range(2))
    many, megabytes = measure(write_course(tmp_path / "many", 5_000))
    print(f"\n500: {few:.2f} s; 5,000: {many:.2f} s, {megabytes:.0f} MB")
    assert many < MOST_CPU_S
    assert megabytes < MOST_MEMORY_MB
    assert many < 16 * few  # ten, and room for a busy machine
