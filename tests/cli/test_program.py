"""How the command names itself, so that a next command can be copied and works."""

import sys

import pytest

from microgpt.cli import program


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
