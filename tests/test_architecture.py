"""What holds for the code as a whole: who may import whom, what a quick command loads, and no trace of one machine."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from microgpt.cli import app

ROOT = Path(__file__).parent.parent
HEAVY = ("anthropic", "fsrs", "mcp", "nbformat", "numpy", "rich", "safetensors", "sqlite3", "torch", "yaml")


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_point_down_and_every_heavy_package_has_one_home() -> None:
    lint = "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo', '--no-cache'])"
    done = run_python("-c", lint)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"]])
def test_a_quick_command_loads_no_heavy_package(arguments: list[str]) -> None:
    program = f"""
import sys
import microgpt.cli
try:
    {arguments} and microgpt.cli.main({arguments})
finally:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = run_python("-c", program)
    assert done.returncode == 0
    assert done.stderr == "[]\n"


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0")[:-1] if (path := ROOT / name).is_file()]


def test_no_file_of_the_project_names_a_folder_of_the_machine_it_was_written_on() -> None:
    everywhere = {Path(name) for name in ("/", "/home", "/root", "/tmp", "/var/tmp", "/opt", "/mnt", "/srv")}
    own = {ROOT, ROOT.parent, Path.home()} - everywhere
    assert own, "this checkout lies in a folder that every machine has: nothing to look for"
    traces = re.compile("|".join(rf"(?<![\w.]){re.escape(str(path))}(?!\w)" for path in own))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if (match := traces.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


@pytest.mark.parametrize("guide", ["AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"])
def test_every_command_and_path_that_a_guide_names_is_there(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    named = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^ {4}(\S.*)$", text, flags=re.MULTILINE)
    assert [words for words in named if not exists(*words.split())] == []


def exists(first: str, *rest: str) -> bool:
    """Whether a make target, a microgpt command or a path is there; anything else is taken to be."""
    if first == "make" and rest:
        return re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE) is not None
    if first == "microgpt":
        return command_exists(app, *rest)
    top = first.partition("/")[0]
    if first.startswith(("microgpt/_content", ".venv/")) or "ID" in first or not (ROOT / top).is_dir():
        return True  # made later, a placeholder, or no path of ours
    return (ROOT / first).exists()


def command_exists(group: click.Group, name: str = "-", *rest: str) -> bool:
    if not name.isalpha():
        return True  # an option or an argument: the command stands before it
    command = group.get_command(click.Context(group), name)
    return command is not None and (not isinstance(command, click.Group) or command_exists(command, *rest))
