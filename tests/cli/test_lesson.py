"""`microgpt lesson`: a whole lesson as an agent runs it, call by call, and its mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from microgpt.cli import main
from microgpt.cli.lesson import lesson
from microgpt.learner.database import default_path

LESSON = "me-microgpt"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs one call and returns its exit code, its output and its errors."""

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["lesson", *args])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def say(call: Any) -> Any:
    """Return a function that runs one call with --json and returns the object."""

    def run(*args: str) -> dict[str, Any]:
        code, out, err = call(*args, "--json")
        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        return json.loads(out)

    return run


def test_an_agent_can_run_a_lesson_with_what_the_answers_tell_it(say: Any) -> None:
    turn = say("start")
    assert turn == say("next", turn["lesson"])  # not said yet: the same turn comes again
    moves, asked = [turn["move"]], 0
    while turn["move"] != "finish" and asked < 40:
        if "ask" not in turn:
            turn = say("next", turn["lesson"], "--ack", turn["ack"])
        else:
            asked += 1
            graded = say("reveal", turn["lesson"], turn["ask"]["ask_id"])
            assert (graded["format"], graded["outcome"]) == ("microgpt/graded/1", "gave_up")
            assert graded["answer"]
            turn = graded["then"]
        moves.append(turn["move"])
    assert {"place", "explain", "demonstrate", "ask"} <= set(moves)
    progress = say("progress", turn["lesson"])
    assert progress["format"] == "microgpt/progress/1"
    assert progress["known"] == 0  # nothing given away is credited


def test_an_answer_that_looks_like_an_option_is_an_answer(say: Any) -> None:
    ask_id = say("start")["ask"]["ask_id"]
    graded = say("answer", LESSON, ask_id, "-0.5")
    assert (graded["format"], graded["outcome"], graded["parsed"]) == ("microgpt/graded/1", "wrong", -0.5)
    assert say("answer", LESSON, ask_id, "-0.5") == graded


def test_hint_skip_contest_evaluate_example_and_source_are_each_one_call(say: Any, call: Any) -> None:
    ask_id = say("start")["ask"]["ask_id"]
    assert say("hint", LESSON, ask_id)["rung"] == 1
    assert say("source", LESSON, "softmax")["symbol"] == "softmax"
    code, out, err = call("evaluate", LESSON, "softmax([0, 0])", "--json")
    assert (code, json.loads(out)["error"] in err) == (2, True)  # a question is open
    closed = say("reveal", LESSON, ask_id)
    assert say("contest", LESSON, ask_id, "it should be 2")["verdict"] == "upheld"
    turn = say("skip", LESSON, closed["then"]["ask"]["ask_id"])
    while "ask" in turn:
        turn = say("skip", LESSON, turn["ask"]["ask_id"])
    assert "0.5" in say("evaluate", LESSON, "softmax([0, 0])")["text"]
    worked = say("example", LESSON, 'lines = ["ann", " ", "bo"]')["worked"]
    assert (worked["inputs"], worked["answer"]) == ('lines = ["ann", " ", "bo"]', "2")
    assert "return = [ann, bo]" in call("example", LESSON, 'lines = ["ann", " ", "bo"]')[1]


@pytest.mark.parametrize("tool", ["contest", "evaluate", "example"])
def test_what_begins_with_a_minus_is_text_and_no_option(tool: str, say: Any, call: Any) -> None:
    ask_id = say("start")["ask"]["ask_id"]
    args = (LESSON, ask_id, "-0.5 is right") if tool == "contest" else (LESSON, "-1, 2 + hjson")
    code, out, _ = call(tool, *args, "--json")
    assert (code, json.loads(out)["format"]) == (2, "microgpt/error/1")  # a question is open
    assert say("answer", LESSON, ask_id, "-0.5, I think")["parsed"] == -0.5


def test_a_mistake_is_a_line_and_with_json_an_object_too(call: Any) -> None:
    code, out, err = call("next", "nobody-microgpt", "--json")
    error = json.loads(out)
    assert (code, error["format"]) == (2, "microgpt/error/1")
    assert err == f"microgpt: {error['error']}\n"
    assert call("next", "nobody-microgpt") == (2, "", err)


@pytest.mark.parametrize("tool", ["next", "progress"])
def test_asking_about_a_lesson_creates_nothing(tool: str, call: Any) -> None:
    assert call(tool, LESSON)[0] == 2
    assert not default_path(os.environ).exists()


def test_without_json_it_reads_well_and_names_what_the_next_call_needs(call: Any, say: Any) -> None:
    ask_id = say("start")["ask"]["ask_id"]
    _, out, _ = call("start")
    assert out.startswith("\n  First, where to start")
    assert out.endswith(f"\nlesson: {LESSON}  ask: {ask_id}  ack: t1\n")
    for args in (["hint", LESSON, ask_id], ["progress", LESSON], ["source", LESSON, "softmax"]):
        code, out, err = call(*args)
        assert (code, err) == (0, "")
        assert out.strip()
    assert "not counted" in call("answer", LESSON, ask_id, "well")[1]


def test_every_tool_has_help_with_an_example_and_loads_nothing_for_it() -> None:
    assert set(lesson.commands) == {
        *("start", "next", "answer", "hint", "reveal", "skip", "contest", "progress", "evaluate", "example", "source")
    }
    script = (
        "import sys; from microgpt.cli import app\n"
        "for tool in sys.argv[1:]: app(['lesson', tool, '--help'], standalone_mode=False)\n"
        "heavy = {'sqlite3', 'rich', 'fsrs', 'numpy', 'yaml', 'microgpt.tutor'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *lesson.commands], capture_output=True, text=True, check=True, cwd=Path.home()
    )
    assert done.stdout.count("Example:  microgpt lesson ") == len(lesson.commands)
    assert done.stderr == "\n"
