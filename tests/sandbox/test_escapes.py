"""Attacks on the sandbox, each with a victim outside that must not notice, and a neighbour that must get its answer.

All of them are made on both kinds of walls. Where an attack could fail for a dull reason, it is also run without a
sandbox, where it must succeed.
"""

import ctypes
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from microgpt.sandbox import Outcome, Support
from tests.sandbox.attacks import attack, outside

pytestmark = pytest.mark.usefixtures("walls")

REPOSITORY = Path(__file__).parents[2]


# ---- Files ----------------------------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder where everybody may do everything; pytest's own stands in one that is closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_file_outside_is_neither_read_nor_changed(open_folder: Path) -> None:
    canary = open_folder / "canary"
    canary.write_text("alive")
    canary.chmod(0o666)
    source = """
import os
def attack(path):
    done = []
    for name, act in {
        "read": lambda: open(path).close(),
        "write": lambda: open(path, "a").close(),
        "link": lambda: os.link(path, path + "-2"),
        "make": lambda: open(path + "-3", "w").close(),
        "remove": lambda: os.remove(path),
        "make folders": lambda: os.makedirs(path + "-4"),
        "rename": lambda: os.rename(path, path + "-5"),
        "empty": lambda: os.truncate(path, 0),
    }.items():
        try:
            act()
            done.append(name)
        except OSError:
            pass
    return done
"""
    assert attack(source, "attack(path)", path=str(canary)) == Outcome(kind="value", value=[])
    assert canary.read_text() == "alive"
    assert sorted(open_folder.iterdir()) == [canary]
    done = ["read", "write", "link", "make", "remove", "make folders"]
    assert outside(source, path=str(canary)) == done  # and nothing is left to rename
    (open_folder / "canary-2").rename(canary)
    assert outside(source.replace("os.remove(path)", "None"), path=str(canary)) == [
        "read",
        "write",
        "link",
        "make",
        "remove",
        "rename",
    ]


def test_nothing_but_an_interpreter_can_be_read(walls: Support) -> None:
    source = """
import os
def attack(paths):
    opened = []
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
            opened.append(path)
        except OSError:
            pass
    return [opened, [path for path in paths if os.path.exists(path)]]
"""
    hidden = [
        str(REPOSITORY),
        sys.prefix,
        os.path.expanduser("~"),
        "/etc",
        "/proc",
        "/sys",
        "/dev",
        "/tmp",
        "/run",
        "/var",
    ]
    value = attack(source, "attack(paths)", paths=[*hidden, "/etc/passwd", "/proc/1/environ"]).value
    assert isinstance(value, list)
    opened, seen = value
    assert opened == []
    assert seen == [] or walls == "landlock"  # which hides no names
    assert attack(source, "attack(paths)", paths=["/usr/lib"]).value == [["/usr/lib"], ["/usr/lib"]]


def test_the_top_folder_holds_an_interpreter_or_cannot_be_listed(walls: Support) -> None:
    outcome = attack("import os\ndef attack(): return os.listdir('/')")
    if walls == "landlock":
        assert outcome.detail.startswith("PermissionError")
    else:
        assert isinstance(outcome.value, list)
        assert set(outcome.value) <= {"lib", "lib64", "usr", "python"}


def test_no_place_can_be_written_so_no_disk_can_be_filled() -> None:
    source = """
import os
def attack():
    written = []
    folders = ["/", "/python", "/python/bin", "/usr/lib", "/lib64", os.path.dirname(os.__file__)]
    files = []
    for folder in folders:
        try:
            files += [entry.path for entry in os.scandir(folder)]
        except OSError:
            pass
    assert files
    for path in [*folders, *files, "/tmp", "/var/tmp", "/dev/shm", "/run"]:
        for target in (path, os.path.join(path, "new")):
            try:
                with open(target, "ab") as file:
                    file.write(b"x")
                written.append(target)
            except OSError:
                pass
    return written
"""
    assert attack(source) == Outcome(kind="value", value=[])


# ---- Environment, identity, kernel -----------------------------------------------------------


def test_the_caller_s_environment_is_nowhere() -> None:
    source = """
import glob, os
def attack():
    found = [" ".join([*os.environ, *os.environ.values()])]
    families = [1, os.getppid(), "self", "CALLER"]
    named = [f"/proc/{who}/{what}" for who in families for what in ("environ", "cmdline")]
    for path in named + glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
        try:
            found.append(open(path, "rb").read().decode("utf-8", "replace"))
        except OSError:
            pass
    return "hunter2" in " ".join(found)
"""
    script = (
        "import os, sys; from microgpt.sandbox import *;"
        "source = sys.stdin.read().replace('CALLER', str(os.getpid())); space = {}; exec(source, space);"
        "job = Job(program=Program(files=(('attack', source),)), expression='attack()', inputs={});"
        "print(space['attack'](), run_jobs([job])[0].value)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        input=source,
        env={**os.environ, "SECRET": "hunter2"},
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == ["True", "False"]  # outside, inside


def test_code_inside_is_nobody_and_cannot_become_root() -> None:
    source = """
import os
def attack():
    try:
        os.setuid(0)
    except OSError:
        return [os.getuid() == 0, os.getgroups()]
"""
    assert attack(source).value in ([False, []], [False, [65534]])


X86 = os.uname().machine == "x86_64"
REFUSED = [
    "unshare(0x10000000)",  # CLONE_NEWUSER: root in a namespace of its own
    f"syscall({56 if X86 else 220}, 0x10000011, 0, 0, 0, 0)",  # clone, the same way
    "shmget(0, 1 << 30, 0o1600)",  # memory that belongs to no process
    f"syscall({206 if X86 else 0}, 60000, 0)",  # io_setup: of these, the whole machine has 65536
    "ptrace(16, 1, 0, 0)",  # PTRACE_ATTACH to the supervisor
    "memfd_create(b'x', 0)",
    "mount(b'none', b'/', b'tmpfs', 0, 0)",
]


def test_the_kernel_refuses_what_would_get_past_the_walls() -> None:
    source = """
import ctypes
def attack(calls):
    library = ctypes.CDLL(None, use_errno=True)
    return [[call, eval(f"library.{call}", {"library": library}), ctypes.get_errno()] for call in calls]
"""
    assert attack(source, "attack(calls)", calls=[*REFUSED]).value == [[call, -1, 1] for call in REFUSED]  # EPERM


# ---- Network --------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


def test_no_connection_leaves_the_sandbox(listener: socket.socket) -> None:
    source = """
import socket
def attack(port):
    for family, address in ((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("10.0.2.2", port))):
        try:
            with socket.socket(family) as client:
                client.settimeout(0.2)
                client.connect(address)
            return "connected"
        except OSError as error:
            last = type(error).__name__
    return last
"""
    port = listener.getsockname()[1]
    assert attack(source, "attack(port)", port=port) == Outcome(kind="value", value="PermissionError")
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert outside(source, port=port) == "connected"
    listener.accept()[0].close()


def test_no_message_reaches_a_socket_that_has_a_name(open_folder: Path) -> None:
    """Such as the system's journal has, to which everybody may write."""
    source = """
import socket
def attack(path):
    mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with mine, other:
        return mine.sendto(b"out", path)
"""
    path = str(open_folder / "mailbox")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mailbox:
        mailbox.bind(path)
        Path(path).chmod(0o777)
        mailbox.setblocking(False)
        assert attack(source, "attack(path)", path=path).kind == "error"
        with pytest.raises(BlockingIOError):
            mailbox.recv(9)
        assert outside(source, path=path) == 3
        assert mailbox.recv(9) == b"out"


def test_the_system_s_library_can_be_called_at_all() -> None:
    """Or else the attacks through ctypes would fail for want of it."""
    assert attack("import ctypes\ndef attack(): return ctypes.CDLL(None).abs(-3)").value == ctypes.CDLL(None).abs(-3)
