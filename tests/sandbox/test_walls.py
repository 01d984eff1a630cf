"""What happens where nothing can contain a stranger's code, and to the filter that the kernel runs."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import microgpt.sandbox as sandbox
from microgpt.errors import SandboxError
from microgpt.insights.course import load_course
from microgpt.insights.lock import make_lock, write_lock
from microgpt.learner.store import Store
from microgpt.sandbox import Job, Limits, Outcome, Program, run_jobs, support, syscalls
from microgpt.sandbox.inside import landlock
from microgpt.sandbox.syscalls import seccomp_filter
from microgpt.tutor.preview import preview
from microgpt.tutor.tools import LessonTools

AVERAGES = Path(__file__).parents[1] / "insights" / "fixtures" / "averages"


@pytest.fixture(autouse=True)
def look_again() -> Iterator[None]:
    """Let each test find out anew what can contain code here."""
    sandbox._walls.cache_clear()  # pyright: ignore[reportPrivateUsage]
    yield
    sandbox._walls.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def no_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without bubblewrap, and with a kernel that has no Landlock."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(landlock, "version", lambda: 0)


def jobs(source: str, *expressions: str) -> list[Job]:
    program = Program(files=(("subject", source),))
    return [Job(program=program, expression=expression, inputs={}) for expression in expressions]


@pytest.mark.usefixtures("no_walls")
def test_without_walls_a_stranger_s_code_is_refused_with_a_way_out(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    assert support() == "none"
    with pytest.raises(SandboxError, match=r"bubblewrap is not installed\. Try: apt install bubblewrap"):
        run_jobs(jobs("", f"open({str(canary)!r}, 'w')"))
    assert not canary.exists()


def test_without_walls_a_strangers_course_is_neither_contested_nor_worked_through_nor_shown(
    no_walls: None, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(AVERAGES, tmp_path / "averages"))
    write_lock(make_lock(load_course(folder), trusted=True), folder)  # as its author made it
    course = load_course(folder)
    with Store.in_memory() as store:
        tools = LessonTools(store, clock=lambda: datetime(2026, 1, 5, tzinfo=UTC))
        turn, refused = tools.start(str(folder)), set[str]()
        while len(refused) < 2:
            worked = turn.move == "explain" and turn.say["insight"] == "smoothing-starts-low"
            if turn.ask:
                graded = tools.answer(turn.lesson, turn.ask.ask_id, "77") if turn.ask.kind == "number" else None
                if graded:
                    with pytest.raises(SandboxError):
                        tools.contest(turn.lesson, turn.ask.ask_id, "no")
                    refused.add("contest")
                turn = graded.then if graded else tools.skip(turn.lesson, turn.ask.ask_id)
                continue
            if worked:
                with pytest.raises(SandboxError):
                    tools.example(turn.lesson, "keep = 0.5")
                refused.add("example")
            turn = tools.next(turn.lesson, turn.ack)
    (folder / "helpers.py").write_text((folder / "helpers.py").read_text() + "\nchanged = 1\n")
    with pytest.raises(SandboxError):
        preview(load_course(folder), course.order[0])


def test_bubblewrap_that_does_not_work_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_walls: None
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="may not make namespaces"):
        run_jobs(jobs("", "1"))


@pytest.mark.slow
@pytest.mark.usefixtures("no_walls")
def test_code_that_its_owner_trusts_runs_with_limits_all_the_same() -> None:
    source = """
import os
def loop():
    while True: pass
def fill(path):
    with open(path, "wb") as file: file.write(bytes(2 << 20))
"""
    expressions = ["6 * 7", "loop()", "bytearray(100 << 30)", "print('x' * 10 ** 6)", "dict(os.environ)", "'last'"]
    outcomes = run_jobs(jobs(source, *expressions), limits=Limits(cpu_s=1), trusted=True)
    assert [outcome.kind for outcome in outcomes] == ["value", "timeout", "memory", "output", "value", "value"]
    assert outcomes[4].value in ({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "0", "LC_CTYPE": "C.UTF-8"})


@pytest.mark.usefixtures("no_walls")
def test_trusted_code_cannot_fill_a_disk_with_one_file(tmp_path: Path) -> None:
    source = f"def fill():\n    with open({str(tmp_path / 'big')!r}, 'wb') as file: file.write(bytes(2 << 20))\n"
    assert run_jobs(jobs(source, "fill()"), limits=Limits(file_mb=1), trusted=True) == [
        Outcome(kind="error", detail="OSError: [Errno 27] File too large (subject line 2)")
    ]


@pytest.mark.usefixtures("no_walls")
def test_when_the_supervisor_itself_is_killed_only_the_killer_has_no_answer() -> None:
    source = "import os\nSUPERVISOR = os.getppid()\n"
    first, killer, *last = run_jobs(jobs(source, "1", "os.kill(SUPERVISOR, 9)", "3", "4"), trusted=True)
    assert [first.value, *(outcome.value for outcome in last)] == [1, 3, 4]
    assert killer == Outcome(kind="killed", detail="its process ended without an answer")


@pytest.mark.parametrize("path", ["/nonexistent", "broken"])
def test_where_bubblewrap_is_missing_or_broken_landlock_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    if landlock.version() < 3:
        pytest.skip("needs a kernel with Landlock")
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) if path == "broken" else path)
    assert support() == "landlock"
    assert run_jobs(jobs("", "open('/etc/passwd').read()"))[0].detail.startswith("PermissionError")
    monkeypatch.setattr(landlock, "version", lambda: 2)
    sandbox._walls.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert support() == "none"


def test_a_machine_without_linux_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxError, match=r"it takes a Linux kernel\. Try: Linux, or WSL"):
        run_jobs(jobs("", "1"))


def test_trusted_code_is_contained_too_where_that_is_possible() -> None:
    if support() == "none":
        pytest.skip("needs walls, and nothing here can make them")
    read = "open('/etc/passwd').read()"
    assert run_jobs(jobs("import os", read), trusted=True)[0].kind == "error"


@pytest.mark.slow
@pytest.mark.parametrize("path", [os.environ["PATH"], "/nonexistent"])
def test_a_caller_that_is_killed_leaves_no_sandbox_behind(path: str) -> None:
    script = (
        "from microgpt.sandbox import *; print(support(), flush=True);"
        "program = Program(files=(('s', 'import time'),));"
        "run_jobs([Job(program=program, expression='time.sleep(300)', inputs={})], limits=Limits(wall_s=300))"
    )
    deadline = time.monotonic() + 60
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PATH": path})
    assert caller.stdout
    walls = caller.stdout.readline()  # found by a trial, which is over
    if walls == b"none\n":
        pytest.skip("needs walls, and nothing here can make them")
    size = 4 if walls == b"bubblewrap\n" else 3  # bubblewrap, the supervisor, the template, the job
    family: list[int] = []
    while len(family) < size:
        assert time.monotonic() < deadline, "the sandbox did not start"
        family = descendants(caller.pid)
    caller.kill()
    caller.communicate()
    while any(Path(f"/proc/{pid}").exists() for pid in family):
        assert time.monotonic() < deadline, f"still there: {family}"
        time.sleep(0.01)


def descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [*children, *(below for child in children for below in descendants(child))]


@pytest.mark.parametrize(("machine", "unshare", "arch"), [("x86_64", 272, 0xC000003E), ("aarch64", 97, 0xC00000B7)])
def test_the_filter_allows_what_it_does_not_name_and_refuses_the_rest(machine: str, unshare: int, arch: int) -> None:
    program = seccomp_filter(machine)
    assert program
    assert verdict(program, arch, 39 if machine == "x86_64" else 172) == 0x7FFF0000  # getpid
    assert verdict(program, arch, unshare) == 0x00050001  # EPERM
    assert verdict(program, arch, 435) == 0x00050026  # clone3: ENOSYS
    clone = 56 if machine == "x86_64" else 220
    assert verdict(program, arch, clone, 0x3D0F00) == 0x7FFF0000  # a thread
    assert verdict(program, arch, clone, 0x10000011) == 0x00050001  # a user namespace
    assert verdict(program, 0x40000003, 0) == 0x80000000  # a 32-bit call


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)])
def test_without_namespaces_more_is_refused_and_one_s_own_limits_are_not(machine: str, arch: int) -> None:
    calls = {"kill": (62, 129), "prlimit64": (302, 261), "fcntl": (72, 25), "ioctl": (16, 29), "fchown": (93, 55)}
    number = {name: numbers[machine == "aarch64"] for name, numbers in calls.items()}
    refused = [("kill", 1, 0), ("fchown", 0, 0), ("prlimit64", 1, 0)]
    refused += [("fcntl", 1, 8), ("fcntl", 1, 15), ("ioctl", 1, 0x8901), ("ioctl", 1, 0x8902)]
    allowed = [("prlimit64", 0, 7), ("fcntl", 8, 1), ("ioctl", 0x8901, 0x5401)]
    strict, loose = seccomp_filter(machine, namespaces=False), seccomp_filter(machine)
    assert strict
    assert loose
    for name, first, second in refused:
        assert verdict(strict, arch, number[name], first, second) == 0x00050001, name
        assert verdict(loose, arch, number[name], first, second) == 0x7FFF0000, name
    for name, first, second in allowed:
        assert verdict(strict, arch, number[name], first, second) == 0x7FFF0000, name
    assert verdict(strict, arch, 272 if machine == "x86_64" else 97) == 0x00050001  # what is refused anyway


@pytest.mark.parametrize(
    ("column", "header"),
    [(0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), (1, "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_of_system_calls_are_those_of_the_kernel_s_headers(column: int, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"no {header}")
    defined = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", Path(header).read_text()))
    ours = syscalls._REFUSED | syscalls._REFUSED_BESIDE_OTHERS  # pyright: ignore[reportPrivateUsage]
    checked = {name: numbers[column] for name, numbers in ours.items() if name in defined}
    assert len(checked) > 60
    assert checked == {name: int(defined[name]) for name in checked}


def test_a_machine_whose_call_numbers_are_unknown_has_no_filter() -> None:
    assert seccomp_filter("riscv64") is None


def verdict(program: bytes, arch: int, number: int, first: int = 0, second: int = 0) -> int:
    """Run the filter as the kernel would, and return what it decides."""
    data = struct.pack("=IIQQQ", number, arch, 0, first, second)
    instructions = list(struct.iter_unpack("=HBBI", program))
    place, accumulator = 0, 0
    while True:
        operation, then, otherwise, operand = instructions[place]
        place += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x06:
                return operand
            case _:
                tests = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
                place += then if tests[operation] else otherwise
