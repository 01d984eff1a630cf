"""`microgpt doctor` as it is used."""

import json
import platform
from pathlib import Path

import pytest

from microgpt.cli import main


def call(*args: str) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.slow
def test_it_says_a_part_a_line_and_ends_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    states = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert set(states[:-2]) <= {"works", "limited", "missing", "broken"}
    assert lines[-1] == "next: microgpt tutor"
    assert max(map(len, lines)) <= 80


@pytest.mark.slow
def test_a_report_in_json_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "lovelace"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "byron")
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(tmp_path / "byron" / platform.node()))
    assert call("doctor", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert next(iter(found)) == "format"
    assert found["format"] == "microgpt/doctor/1"
    assert found["works"] is True
    assert {"part", "state", "found", "cost", "remedy"} == set(found["checks"][0])
    for name in ("lovelace", "byron", f"/{platform.node()}"):
        assert name not in out
    assert err.endswith("next: microgpt tutor\n")


def test_where_lessons_cannot_be_recorded_it_fails_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(tmp_path / "file"))
    assert call("doctor") == 1
    assert "next: make it writable, or set MICROGPT_DATA_DIR" in capsys.readouterr().out
    assert call("doctor", "--json") == 1
    assert json.loads(capsys.readouterr().out)["works"] is False


@pytest.mark.parametrize("argument", ["torch", "--fix", "--json=1"])
def test_there_is_nothing_to_choose(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor", argument) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
