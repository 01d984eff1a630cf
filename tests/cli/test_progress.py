"""`microgpt progress`: at a glance, within 80 columns, from a record that it leaves as it was."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from microgpt.cli import main
from microgpt.insights.course import load_course
from microgpt.learner.database import default_path
from microgpt.learner.store import Store

MIXED = ["takes-the-middle", "right", "one-of-many", "takes-the-middle", "starts-at-the-first", "right", "one-of-many"]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs `microgpt progress` and returns its exit code, its output and its errors."""

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["progress", *args])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def studied(averages: Path, study: Callable[..., datetime]) -> Path:
    """A course that the learner has begun, 40 days ago, with mistakes; and went on with through an agent."""
    now = datetime.now(UTC) - timedelta(days=40)
    with Store.open(default_path(os.environ)) as store:
        now = study(store, averages, "me", MIXED, now=now)
        study(store, averages, "me", [*MIXED, *["right"] * 6], now=now, heard=False)
    return averages


def files() -> dict[Path, bytes]:
    folder = default_path(os.environ).parent
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_with_nothing_learned_one_line_says_what_to_type_and_nothing_is_made(call: Call) -> None:
    assert call() == (0, "Nothing learned here yet. Begin with:  microgpt tutor\n", "")
    assert call("--learner", "ada")[1].endswith("microgpt tutor --learner ada\n")
    assert not default_path(os.environ).exists()


def test_it_tells_what_is_known_the_mistakes_with_their_answers_what_is_due_and_the_next_command(
    call: Call, studied: Path
) -> None:
    before = files()
    code, out, err = call()
    assert (code, err) == (0, "")
    course, said = load_course(studied), json.loads(call("--json")[1])
    assert out.startswith(f"{course.title}: you know {said['known']} of {said['of']}.\n")
    for insight in said["insights"]:
        assert f"%  {insight['status']:8}  " in out
        assert (insight["claim"][:40] in out) == (insight["status"] in ("mastered", "shown"))
    recurring = [mistake for mistake in said["mistakes"] if mistake["recurs"]]
    assert recurring
    for mistake in recurring:
        assert f"“{mistake['belief']}”" in " ".join(out.split())
        latest = mistake["latest"][-1]
        assert f"{latest['time'][:10]}  “{latest['quote']}”" in out
    assert "reported" in out
    assert f"Due now: {said['due_now']}." in out
    assert out.splitlines()[-1].endswith("Next:  microgpt review")
    assert files() == before


def test_an_idea_that_is_not_known_is_not_named_and_of_many_signs_of_a_belief_the_latest_are_shown(
    call: Call, averages: Path, study: Callable[..., datetime]
) -> None:
    with Store.open(default_path(os.environ)) as store:
        study(store, averages, "me", ["wrong"] * 40, now=datetime.now(UTC) - timedelta(days=1))
    out, said = call()[1], json.loads(call("--json")[1])
    assert said["known"] == 0
    assert not any(insight["claim"][:30] in out for insight in said["insights"])
    assert "idea 1, on mean" in out
    often = max(said["mistakes"], key=lambda mistake: mistake["signs"])
    assert often["signs"] > 3
    assert f"    {often['signs']} answers; the latest:\n" in out
    assert "\n    ".join(f"{answer['time'][:10]}  “{answer['quote']}”" for answer in often["latest"]) in out
    assert "no answer spoke against it" in out


def test_no_line_is_wider_than_80_columns_and_a_control_code_in_an_answer_is_not_obeyed(
    call: Call, studied: Path
) -> None:
    path = default_path(os.environ)
    with Store.open(path) as store:
        store._db.execute("DROP TRIGGER events_are_not_changed")  # pyright: ignore[reportPrivateUsage]
        store._db.execute(  # pyright: ignore[reportPrivateUsage]
            "UPDATE events SET body = json_set(body, '$.quote', ?) WHERE kind = 'evidence'", ("\x1b[2J" + "é" * 300,)
        )
    out = call()[1]
    assert "é" in out
    assert "\\x1b[2J" in out
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_with_json_it_is_one_object_that_begins_with_its_format(call: Call, studied: Path) -> None:
    code, out, err = call("averages", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith('{"format": "microgpt/standing/1"')
    said = json.loads(out)
    assert (said["learner"], said["course"], said["of"]) == ("me", "averages", 3)
    assert {row["insight"] for row in said["insights"]} == set(load_course(studied).insights)
    nobody = call("--learner", "ada", "--json")
    assert json.loads(nobody[1]) == {"format": "microgpt/standing/1", "learner": "ada", "lesson": ""}
    assert nobody[2] != ""  # prose


def test_the_plot_is_a_picture_on_white_with_a_green_row_for_each_idea(
    call: Call, studied: Path, tmp_path: Path
) -> None:
    code, out, _ = call("--plot", str(tmp_path / "progress.png"))
    assert code == 0
    assert out.endswith(f"Drawn: {tmp_path / 'progress.png'}\n")
    picture = imread(tmp_path / "progress.png")[..., :3]
    assert (picture[0, :] == 1).all()  # the edge is white
    green = (picture[..., 1] > picture[..., 0] + 0.2) & (picture[..., 1] > picture[..., 2] + 0.05)
    assert green.mean() > 0.1


@pytest.mark.parametrize("name", ["progress.txt", "nowhere/progress.png"])
def test_what_cannot_be_drawn_is_one_line_before_anything_is_read(call: Call, name: str) -> None:
    code, out, err = call("--plot", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not default_path(os.environ).exists()


def test_another_course_or_a_damaged_record_is_one_line(call: Call, studied: Path) -> None:
    for course in ("microgpt", "nonsense"):
        code, out, err = call(course)
        assert (code, out, err.count("\n")) == (2, "", 1)
    default_path(os.environ).write_text("Dear diary,\n" * 500)
    code, out, err = call()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "left as it is" in err


def test_while_another_process_writes_it_shows_what_was_before(call: Call, studied: Path) -> None:
    before = call("--json")
    with Store.open(default_path(os.environ)) as other, other.transaction("me-averages"):
        assert call("--json") == before


def test_ten_thousand_events_that_are_no_answers_change_nothing_of_it(call: Call, studied: Path) -> None:
    before = call("--json")
    with closing(Store.open(default_path(os.environ))) as store, store.transaction("me-averages") as tx:
        last = list(store.events("me-averages"))[-1]
        for _ in range(10_000):
            acked: Any = {**vars(last), "seq": 0, "kind": "ack", "ask_id": "", "body": {"turn": 0}}
            tx.append(type(last)(**acked))
        tx.save(tx.state)
    assert call("--json") == before


@pytest.mark.parametrize("command", ["progress", "review", "learner"])
def test_help_has_an_example_and_loads_nothing_heavy(command: str) -> None:
    script = (
        f"import sys; from microgpt.cli import app; app([{command!r}, '--help'], standalone_mode=False)\n"
        "heavy = {'sqlite3', 'rich', 'fsrs', 'numpy', 'yaml', 'matplotlib', 'microgpt.tutor'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "\n"
    assert "Example:  microgpt" in done.stdout or command == "learner"
