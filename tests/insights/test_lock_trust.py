"""Where nothing contains code, a course's runs only if its owner says so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from microgpt import sandbox
from microgpt.cli import app
from microgpt.errors import SandboxError
from microgpt.insights.course import load_course
from microgpt.insights.lock import lock_path, read_lock, stale

MEAN = "a-mean-is-a-fair-share"


def test_where_nothing_contains_code_a_folder_is_locked_only_if_its_owner_trusts_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_walls", lambda: ("none", "no walls. Try: walls"))
    refused = CliRunner().invoke(app, ["course", "lock", str(folder)])
    assert isinstance(refused.exception, SandboxError)
    assert not lock_path(folder).exists()
    trusted = CliRunner().invoke(app, ["course", "lock", str(folder), "--trust"])
    assert trusted.exit_code == 0
    assert trusted.stderr == "Nothing here can contain code, so the course ran with limits only.\n"
    assert stale(load_course(folder), read_lock(folder)) == ()


@pytest.mark.parametrize(
    "command",
    [
        ["course", "lint", "COURSE"],
        ["course", "lock", "COURSE"],
        ["course", "lock", "COURSE", "--experiments"],
        ["insight", "preview", MEAN, "COURSE"],
        ["insight", "new", "mean", "COURSE", "--id", "another"],
    ],
    ids=" ".join,
)
def test_where_nothing_contains_code_no_command_runs_a_stranger_s(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    canary = folder / "canary"
    for name in ("averages.py", "helpers.py", "experiment.py"):
        with (folder / name).open("a") as file:
            file.write(f"\n\nopen({str(canary)!r}, 'w').close()\n")
    monkeypatch.setattr(sandbox, "_walls", lambda: ("none", "no walls. Try: walls"))
    refused = CliRunner().invoke(app, [str(folder) if word == "COURSE" else word for word in command])
    assert isinstance(refused.exception, SandboxError)
    assert not canary.exists()
