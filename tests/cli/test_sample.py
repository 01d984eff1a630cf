"""`microgpt sample` as it is used."""

import json
import shutil
from pathlib import Path

import pytest

from microgpt.cli import main


def call(*args: str | Path) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(arg) for arg in args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows two texts by heart; one of them holds a terminal's control code."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "data.txt").write_text("ab\nc\x1b[1md\n")
    assert call("train", "--data", folder / "data.txt", "--steps", "150", "--out", folder / "my run") == 0
    return folder / "my run"


def test_it_says_of_each_whether_it_is_new_and_sums_up(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", run, "-n", "8", "--seed", "1") == 0
    *written, summary, following = capsys.readouterr().out.splitlines()
    assert len(written) == 8
    assert {line.split()[0] for line in written if line.endswith("in the data")} == {"ab", r"c\x1b[1md"}
    new = sum(line.endswith("new") for line in written)
    assert f"{8 - new} in the data" in summary
    assert following == f"next: microgpt sample '{run}' --temperature 1"


def test_control_codes_never_reach_the_terminal(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", run, "--prompt", "c\x1b") == 0
    out = capsys.readouterr().out
    assert r"c\x1b[1md" in out
    assert all(char.isprintable() for char in out.replace("\n", ""))


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows one continuous text by heart."""
    folder = tmp_path_factory.mktemp("stream")
    (folder / "data.txt").write_text("ab\n\x1b[1mc\n" * 9)
    settings = [
        "--stream",
        "--steps",
        "200",
        "--n-embd",
        "8",
        "--n-head",
        "2",
        "--block-size",
        "8",
        "--engine",
        "numpy",
    ]
    assert call("train", "--data", folder / "data.txt", *settings, "--out", folder / "run") == 0
    return folder / "run"


def test_a_stream_is_written_in_its_own_lines(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", stream, "--prompt", "ab", "--length", "16", "--seed", "1", "--temperature", "0.1") == 0
    out = capsys.readouterr().out
    assert out.startswith("ab\n\\x1b[1mc\nab\n\\x1b[1mc\n\n-- in the data\n\n1 written")
    assert call("sample", stream, "-n", "2", "--length", "30", "--json", "--engine", "reference") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["text"]) for line in lines] == [30, 30]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--prompt", "é"], "the character 'é' is not in the data"),
        (["--length", "0"], "length=0 is too short"),
        (["--length", "-3"], "length=-3 is too short"),
    ],
)
def test_a_mistake_with_a_stream_costs_one_line(
    stream: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sample", stream, *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("damage", ["truncated", "terabytes", "another shape", "other names", "of old"])
def test_a_damaged_run_costs_one_line(
    stream: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(stream, folder)
    checkpoint, config = folder / "checkpoint.safetensors", folder / "config.json"
    raw = checkpoint.read_bytes()
    if damage == "truncated":
        checkpoint.write_bytes(raw[:-9])
    elif damage == "terabytes":
        checkpoint.write_bytes((10**13).to_bytes(8, "little") + raw[8:])
    elif damage == "another shape":
        config.write_text(config.read_text().replace('"n_embd": 8', '"n_embd": 16'))
    elif damage == "other names":
        checkpoint.write_bytes(raw.replace(b'"wte"', b'"etw"'))
    else:
        config.write_text(config.read_text().replace("microgpt/run/2", "microgpt/run/0"))
    assert call("sample", folder) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Try training again: microgpt train" in err
    assert err.count("\n") == 1


def test_json_is_a_sample_a_line_and_prose_goes_elsewhere(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", run, "-n", "3", "--prompt", "a", "--json") == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [list(line) for line in lines] == [["format", "text", "novelty"]] * 3
    assert {line["format"] for line in lines} == {"microgpt/sample/1"}
    assert all(line["text"].startswith("a") for line in lines)
    assert "next: microgpt sample" in err


def test_without_its_data_the_novelty_is_unknown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = run.parent / "data.txt"
    data.rename(run.parent / "moved")
    assert call("sample", run, "-n", "2") == 0
    (run.parent / "moved").rename(data)
    assert "2 unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--prompt", "é"], "the character 'é' is not in the data"),
        (["--prompt", "a" * 16], "there is no room to go on"),
        (["--temperature", "0"], "temperature=0.0"),
        (["-n", "0"], "number=0 is too small"),
        (["--length", "9"], "--length is for streams"),
    ],
)
def test_a_mistake_costs_one_line(
    run: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sample", run, *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microgpt: ")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_folder_without_a_run_costs_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sample", tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 1
