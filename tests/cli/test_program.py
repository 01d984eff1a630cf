"""How the command names itself, so that a next command can be copied and works; and how it ends after a Ctrl-C."""

import sys

import click
import pytest

from microgpt.cli import LazyGroup, main, program


@pytest.mark.parametrize(
    ("called", "told"),
    [
        (".venv/bin/microgpt", ".venv/bin/microgpt"),
        ("/anywhere/microgpt/__main__.py", "python -m microgpt"),
    ],
)
def test_off_the_path_it_is_named_as_it_was_called(monkeypatch: pytest.MonkeyPatch, called: str, told: str) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert program() == "microgpt"
    monkeypatch.setenv("PATH", "/nowhere")
    assert program() == told


def test_a_ctrl_c_ends_a_command_without_a_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def waits() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LazyGroup, "get_command", lambda self, ctx, name: waits)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "microgpt: stopped.\n"
