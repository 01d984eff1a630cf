"""`microgpt simulate` as it is used: a report that says what it is not, JSON, mistakes in one line."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from microgpt.cli import app, main
from microgpt.tutor.simulate.report import NOTE

SMALL = ("--goal", "optimizer", "--learners", "4")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *words])


def test_the_report_first_says_that_it_is_not_about_people_and_last_what_to_do_next() -> None:
    done = run(*SMALL)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == NOTE
    assert lines[-1].endswith(" simulate --learners 4 --goal optimizer --assumptions half --assumptions double")
    assert lines[-1].startswith("Next:  ")
    assert all(len(line) <= 80 and line.isascii() for line in lines[:-1])
    assert "a minute" in done.stderr


def test_json_is_one_object_on_stdout_the_same_each_time() -> None:
    done, again = run(*SMALL, "--json"), run(*SMALL, "--json")
    assert done.stdout == again.stdout
    assert done.stdout.startswith('{"format": "microgpt/simulation/1"')
    assert done.stdout.count("\n") == 1
    report = json.loads(done.stdout)
    assert report["note"] == NOTE
    assert report["learners"] == 4
    names = [row["name"] for row in report["teachers"]]
    assert names == ["microgpt-tutor", "lecture", "answer-bot", "random", "oracle"]
    assert [each["teacher"] for each in report["differences"]] == names[1:]


def test_the_first_script_is_compared_with_the_others_that_are_named() -> None:
    done = run(*SMALL, "--script", "lecture", "--script", "microgpt-tutor", "--json")
    report = json.loads(done.stdout)
    names = [row["name"] for row in report["teachers"]]
    assert names == ["lecture", "microgpt-tutor", "answer-bot", "random", "oracle"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such-course",), "no-such-course"),
        (("--script", "no-such-script"), "Try microgpt-tutor"),
        (("--goal", "no-such-goal"), "no-such-goal"),
        (("--assumptions", "slips=0.1"), "Try slip."),
        (("--assumptions", "slip=3"), "from above 0 to 1"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *words])
    out, err = capfd.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_help_loads_nothing_heavy() -> None:
    program = "import sys; from microgpt.cli import main\ntry: main(['simulate', '--help'])\nfinally: print(sorted(m for m in sys.modules if m in ('yaml', 'sqlite3', 'fsrs')), file=sys.stderr)"  # fmt: skip  # noqa: E501
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"
    assert "--assumptions" in done.stdout
