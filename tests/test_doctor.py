"""Each part is tried; what a missing or a broken one costs is said; nobody is named."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import doctor
from microgpt.doctor import (
    COSTS,
    Check,
    check_base,
    check_data_folder,
    check_disk,
    check_extra,
    check_python,
    check_sandbox,
    check_terminal,
    check_torch,
    examine,
    without_names,
)
from microgpt.errors import DISTRIBUTION
from microgpt.sandbox import Job, Outcome, Support, support


class Window(io.StringIO):
    """A terminal of an encoding."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class OldWindow(Window):
    encoding = "ISO-8859-1"


def look(environ: Mapping[str, str] = os.environ, home: Path = Path("/home/ada")) -> dict[str, Check]:
    return {check.part: check for check in examine(environ=environ, home=home, streams=(io.StringIO(),))}


@pytest.mark.slow
def test_whatever_does_not_work_has_a_cost_and_a_remedy() -> None:
    checks = look()
    for check in checks.values():
        assert check.found
        assert (check.state == "works") == (not check.cost) == (not check.remedy)
    assert not any(check.is_fatal for check in checks.values())


def test_every_extra_of_the_package_is_looked_for_and_has_a_cost() -> None:
    assert set(COSTS) == set(metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or [])


def test_the_versions_told_are_those_installed() -> None:
    told = dict(re.findall(r"(\S+) (\S+?)(?:, |$)", check_base().found))
    assert "click" in told
    assert "torch" not in told
    assert told == {name: metadata.version(name) for name in told}
    assert check_extra("torch").found == f"torch {metadata.version('torch')}"


def test_a_python_that_was_not_optimised_is_said_to_be_slower() -> None:
    check = check_python()
    assert ("(plain)" in check.found) == (check.state == "limited") == ("slower" in check.cost)


@pytest.mark.slow
def test_a_graphics_card_that_torch_does_not_use_is_said_to_be_idle(tmp_path: Path) -> None:
    check = check_torch(driver=tmp_path)
    assert ("on cpu" in check.found) == (check.state == "limited") == ("idle" in check.cost)
    assert check_torch(driver=tmp_path / "none").state == "works"


@given(before=st.sampled_from(["", "see ", "'"]), after=st.sampled_from(["", "/x", "'", ": no"]))
def test_paths_name_neither_the_user_nor_the_host(before: str, after: str) -> None:
    names = {"ada", "engine-7"}
    for path in ("/home/ada", "/scratch/ada/runs", "/nodes/engine-7/ada"):
        told = without_names(before + path + after, Path("/home/ada"), names)
        assert not any(name in told for name in names)
        assert told.endswith(after)
    assert without_names("/home/adam/x torch", Path("/home/ada"), {"ada", "torch"}) == "/home/adam/x torch"
    assert without_names("/usr/lib/ is", Path("/"), {""}) == "/usr/lib/ is"


def test_the_home_folder_is_told_as_a_tilde(tmp_path: Path) -> None:
    environ = {"MICROGPT_DATA_DIR": str(tmp_path / "data"), "USER": "ada"}
    assert look(environ, tmp_path)["data"].found == "~/data can be written"
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_written_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = check_data_folder({"MICROGPT_DATA_DIR": str(tmp_path / "file" / "deeper")})
    assert check.is_fatal
    assert "MICROGPT_DATA_DIR" in check.remedy
    works = check_data_folder({"MICROGPT_DATA_DIR": str(tmp_path)})
    assert works.state == "works"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    (tmp_path / "learner.db").mkdir()
    assert check_data_folder({"MICROGPT_DATA_DIR": str(tmp_path)}).is_fatal


def test_a_full_disk_is_fatal_to_the_record(mount_disk: Callable[[str], Path]) -> None:
    disk = mount_disk("48k")
    assert not check_data_folder({"MICROGPT_DATA_DIR": str(disk)}).is_fatal
    with pytest.raises(OSError, match="No space left"):
        (disk / "full").write_bytes(bytes(10**6))
    assert "No space left" in check_data_folder({"MICROGPT_DATA_DIR": str(disk)}).found


def test_a_terminal_is_told_by_its_width_and_its_letters() -> None:
    wide = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm-256color"}
    check = check_terminal((io.StringIO(), Window()), wide)
    assert (check.state, check.found) == ("works", "100 x 30, colours: 256, utf-8")
    assert "wrap" in check_terminal((Window(),), {**wide, "COLUMNS": "60"}).cost
    assert "?" in check_terminal((OldWindow(),), wide).cost
    assert "colours: none" in check_terminal((Window(),), {**wide, "NO_COLOR": "1"}).found
    assert check_terminal((io.StringIO(),), wide).state == "works"


def test_a_small_disk_cannot_hold_a_large_run(mount_disk: Callable[[str], Path]) -> None:
    assert check_disk(mount_disk("48k")).state == "limited"


@pytest.mark.parametrize(("walls", "state"), [("bubblewrap", "works"), ("landlock", "limited")])
def test_the_sandbox_works_if_a_job_in_it_opens_no_file_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, walls: Support, state: str
) -> None:
    if support() == "none":
        pytest.skip("nothing here can contain code")
    monkeypatch.setattr(doctor, "support", lambda: walls)
    assert check_sandbox().state == state
    monkeypatch.setattr(doctor, "run_jobs", run_without_walls)
    assert check_sandbox().state == "broken"


def run_without_walls(jobs: Sequence[Job]) -> list[Outcome]:
    """Do here what the jobs say."""
    return [Outcome(kind="value", value=eval(job.expression)) for job in jobs]


def with_package(folder: Path, name: str, source: str) -> str:
    """Let a package be this source for a doctor in a process of its own, and return what that says."""
    (folder / f"{name}.py").write_text(source)
    command = [sys.executable, "-m", "microgpt", "doctor"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True)
    assert done.stderr == ""
    return f"{done.stdout}\nexit {done.returncode}"


def test_a_broken_numpy_is_told_and_fatal(tmp_path: Path) -> None:
    said = with_package(tmp_path, "numpy", "raise ImportError('libblas.so:\\n  no such file')")
    assert "broken   numpy      ImportError: libblas.so: no such file" in said
    assert "broken   base" in said
    assert f"next: pip install --force-reinstall {DISTRIBUTION}" in said
    assert said.endswith("exit 1")


@pytest.mark.slow
def test_a_torch_that_is_missing_or_broken_costs_the_torch_engine_and_no_more(tmp_path: Path) -> None:
    said = with_package(tmp_path, "torch", "raise ModuleNotFoundError('No module', name='torch')")
    assert "missing  torch      The torch engine needs torch, which is not installed." in said
    assert "pip install 'microgpt-tutor[torch]'" in said
    assert said.endswith("exit 0")
    said = with_package(tmp_path, "torch", "raise OSError('libcudart.so: cannot open')")
    assert "broken   torch      OSError: libcudart.so: cannot open" in said
    assert "pip install --force-reinstall 'microgpt-tutor[torch]'" in said
    assert said.endswith("exit 0")
