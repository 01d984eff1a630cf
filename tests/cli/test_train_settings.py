"""Defaults stand below a preset, that below a file, that below the command line; a mistake names its line."""

from itertools import product
from pathlib import Path
from typing import Any

import click
import pytest

from microgpt.cli import main
from microgpt.cli.train import train
from microgpt.config import ComputeConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines.base import State
from microgpt.presets import PRESETS
from microgpt.training.checkpoint import read_checkpoint, read_config
from microgpt.training.run import begin, configure

NAMES = Path(__file__).parent.parent / "golden" / "names.txt"


def settings(*arguments: object) -> dict[str, Any]:
    """Return what the command would run with."""
    return train.make_context("train", [str(argument) for argument in arguments]).params


def help_text(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main(["train", *arguments, "--help"])
    return capsys.readouterr().out


def refusal(*arguments: object, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that the command ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["train", *(str(argument) for argument in arguments)])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microgpt: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("levels", list(product([False, True], repeat=3)), ids=str)
@pytest.mark.parametrize("preset_first", [True, False])
def test_the_highest_level_that_says_something_decides(
    tmp_path: Path, levels: tuple[bool, bool, bool], preset_first: bool
) -> None:
    preset, file, option = levels
    path = tmp_path / "settings.toml"
    path.write_text("n-embd = 12\n" if file else "")
    below, above = ["--preset", "char" if preset else "micro"], ["--config", path]
    arguments = [*below, *above] if preset_first else [*above, *below]
    given = settings(*arguments, *(["--n-embd", "8"] if option else []))
    assert given["n_embd"] == (8 if option else 12 if file else 384 if preset else 16)
    assert given["n_layer"] == (6 if preset else 1)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_all_that_it_says(name: str) -> None:
    assert PRESETS[name].settings().items() <= settings("--preset", name).items()
    assert settings("--preset", name)["stream"] is False  # of a bundled text, the data knows


def test_without_options_it_is_the_reference() -> None:
    assert settings() == settings("--preset", "micro")


def test_a_file_may_name_the_preset_and_the_command_line_another(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('preset = "char"\nsteps = 7\n')
    assert (settings("--config", path)["n_embd"], settings("--config", path)["steps"]) == (384, 7)
    for arguments in (["--config", path, "--preset", "gpt2"], ["--preset", "gpt2", "--config", path]):
        assert (settings(*arguments)["n_embd"], settings(*arguments)["steps"]) == (768, 7)


def test_a_file_takes_hyphens_and_underscores_and_every_kind_of_value(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        'n-embd = 8\nn_head = 2\nlr = 1\nval-fraction = 0.5\nfinal-norm = true\ndata = "my.txt"\nstream = true\n'
        'dtype = "float32"\nengine = "numpy"\nout = "run"\nsample-every = 5\nplot = "p.png"\n'
    )
    given = settings("--config", path)
    expected = {
        "n_embd": 8, "n_head": 2, "lr": 1.0, "val_fraction": 0.5, "final_norm": True, "data": "my.txt", "stream": True,
        "dtype": "float32", "engine": "numpy", "out": Path("run"), "sample_every": 5, "plot": Path("p.png"),
    }  # fmt: skip
    assert expected.items() <= given.items()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps = 1\nn_embed = 8\n", "line 2: there is no setting n_embed. Try n-embd."),
        ("steps = 1\n\nzzz = 8\n", "line 3: there is no setting zzz. Try one that microgpt train --help shows."),
        ("# steps\nsteps = '9'\n", 'line 2: steps = "9" cannot be. Try a whole number.'),
        ("steps = 2.5", "line 1: steps = 2.5 cannot be. Try a whole number."),
        ("batch = true", "line 1: batch = true cannot be. Try a whole number."),
        ("lr = '1'", 'line 1: lr = "1" cannot be. Try a number.'),
        ("final-norm = 1", "line 1: final-norm = 1 cannot be. Try true or false."),
        ("data = 7", "line 1: data = 7 cannot be. Try a text in quotes."),
        ("compile = true", 'line 1: compile = true cannot be. Try one of "auto", "on", "off".'),
        ("preset = 'big'", 'line 1: preset = "big" cannot be. Try one of "micro", "char", "gpt2".'),
        ("[model]\nn-embd = 8\n", "line 1: there are no sections such as [model]."),
        ("n-embd = \n", "at line 1, column 10"),
        ("steps = 1\nsteps = 2\n", "at line 2"),
        ("resume = 'x'", "line 1: there is no setting resume."),
        ("steps = 0", "steps=0 is too small"),
    ],
)
def test_a_mistake_in_a_file_names_it_the_line_and_a_remedy(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    line = refusal("--config", path, "--out", tmp_path / "run", capsys=capsys)
    assert complaint in line
    assert str(path) in line or text == "steps = 0"  # that one is found by the config, which knows no files
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("content", "complaint"), [(None, "No such file"), (b"\xff", "is not UTF-8 text")])
def test_a_file_that_cannot_be_read_is_one_line(
    content: bytes | None, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.toml"
    if content:
        path.write_bytes(content)
    assert complaint in refusal("--config", path, capsys=capsys)


def test_the_help_shows_every_option_once_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    grouped = [name for names in train.groups.values() for name in names]
    assert sorted(grouped) == sorted(option.name or "" for option in train.params)
    shown = help_text(capsys=capsys)
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert all(f"{heading}:\n" in shown for heading in train.groups)
    assert shown.index("--preset") < shown.index("--n-embd") < shown.index("--graphs")


def test_the_help_of_a_preset_shows_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = [line for line in help_text("--preset", "char", capsys=capsys).splitlines() if "--n-embd" in line]
    assert line.endswith("[default: 384]")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that no step was made of."""
    dataset = load_dataset(NAMES)
    shape = Shape(n_embd=4, n_head=2, block_size=5)
    compute = ComputeConfig(engine="numpy", dtype="float64")
    return begin(tmp_path / "run", configure(dataset, TrainConfig(steps=4), compute, **shape), dataset).folder


MAY_BE_GIVEN = {*ComputeConfig.__dataclass_fields__, "resume", "record", "plot", "sample_every", "as_json", "plain"}


@pytest.mark.parametrize("option", [option for option in train.params if option.name not in MAY_BE_GIVEN], ids=str)
def test_a_run_goes_on_with_its_own_settings(
    option: click.Parameter, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"preset": "char", "config": "/dev/null"}
    value = [] if option.is_flag else [values.get(option.name or "", "1")]  # type: ignore[attr-defined]
    line = refusal("--resume", run, option.opts[0], *value, capsys=capsys)
    assert line == f"microgpt: --resume goes on with the run's own settings: leave out {option.opts[0]}.\n"


def state_of(folder: Path) -> State:
    return read_checkpoint(folder, read_config(folder)).state


def test_another_engine_goes_on_and_chooses_anew(run: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--resume", str(run), "--engine", "reference"])
    assert ended.value.code == 0
    assert read_config(run).compute == ComputeConfig(engine="reference")
    assert state_of(run).step == 4


def test_the_same_engine_goes_on_with_the_choices_that_are_not_changed(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--resume", str(run), "--micro-batch", "1"])
    assert ended.value.code == 0
    assert read_config(run).compute == ComputeConfig(engine="numpy", dtype="float64", micro_batch=1)


def test_a_choice_that_the_engine_has_not_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "computes on the CPU alone" in refusal("--resume", run, "--device", "cuda", capsys=capsys)
    assert state_of(run).step == 0
