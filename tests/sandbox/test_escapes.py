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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from microgpt.sandbox import Job, Json, Limits, Outcome, Program, Support, bubblewrap, run_jobs

pytestmark = pytest.mark.usefixtures("walls")

LIMITS = Limits(wall_s=2, cpu_s=1, memory_mb=200, output_kb=64)
REPOSITORY = Path(__file__).parents[2]


def attack(source: str, expression: str = "attack()", **inputs: Json) -> Outcome:
    """Run an attack between two harmless jobs, which must get their answers, and return what came of it."""
    program = Program(files=(("attack", source),))
    harmless = Job(program=program, expression="'fine'", inputs={})
    alien = Job(program=Program(files=()), expression="'fine'", inputs={})
    jobs = [harmless, Job(program=program, expression=expression, inputs=inputs), harmless, alien]
    first, outcome, *others = run_jobs(jobs, limits=LIMITS)
    assert [other.value for other in (first, *others)] == ["fine"] * 3
    return outcome


def outside(source: str, **inputs: Json) -> object:
    """Run the attack here, to see that it is one."""
    namespace: dict[str, object] = {}
    exec(source, namespace)
    return eval("attack({})".format(", ".join(f"{name}={value!r}" for name, value in inputs.items())), namespace)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The users that sandboxes of this test get; none if we are not root."""
    given: list[int] = []
    original = bubblewrap.unprivileged_uid

    def noted(number: int) -> int | None:
        user = original(number)
        given.extend([] if user is None else [user])
        return user

    monkeypatch.setattr(bubblewrap, "unprivileged_uid", noted)
    return given


def processes_of(users: list[int]) -> list[str]:
    return [entry.name for entry in Path("/proc").glob("[0-9]*") if owner(entry) in users]


def owner(entry: Path) -> int:
    try:
        return entry.stat().st_uid
    except FileNotFoundError:
        return -1


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


# ---- Processes and signals ------------------------------------------------------------------


@pytest.mark.parametrize("flee", ["", "os.setsid()"])
def test_a_fork_bomb_hits_a_limit_and_leaves_nothing_behind(flee: str, walls: Support, users: list[int]) -> None:
    source = f"""
import os, time
def attack():
    born = 0
    try:
        while True:
            if os.fork() == 0:
                {flee}
                time.sleep(10 ** 6)
            born += 1
    except OSError as error:
        return [born, type(error).__name__]
"""
    born, error = cast("list[Json]", attack(source).value)
    assert error == "BlockingIOError"
    assert born == 8 or (walls == "landlock" and os.geteuid() != 0)  # then the user's others count, and may end
    assert processes_of(users) == []


def test_a_fork_bomb_leaves_forks_to_a_sandbox_beside_it() -> None:
    """Each tells how often it could fork, when both have done all they could."""
    source = """
import os, time
def attack():
    born = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(99)
            born += 1
    except OSError:
        time.sleep(0.5)
        return born
"""
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(attack, [source, source])
    if os.geteuid() == 0:
        assert (one.value, other.value) == (8, 8)


@pytest.mark.slow
def test_a_bomb_whose_every_fork_forks_on_ends_too(users: list[int]) -> None:
    outcome = attack("import os\ndef attack():\n    while True:\n        try: os.fork()\n        except OSError: pass")
    assert outcome.kind == "timeout"
    assert processes_of(users) == []


def test_threads_are_limited() -> None:
    source = """
import threading, time
def attack():
    for started in range(10000):
        try:
            threading.Thread(target=time.sleep, args=(10 ** 6,), daemon=True).start()
        except RuntimeError:
            return started
"""
    started = attack(source).value
    assert isinstance(started, int)
    assert 0 < started < 100  # fewer than allowed where memory for their stacks runs out first


@pytest.mark.parametrize(
    "target",
    [
        "os.getppid()",
        "-1",
        *(pytest.param(who, marks=pytest.mark.slow) for who in ("0", "1", "SUPERVISOR", "-SUPERVISOR")),
    ],
)
def test_no_signal_reaches_the_caller_or_another_job(target: str) -> None:
    source = f"""
import os, signal, time
SUPERVISOR = os.getppid()
def attack():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill({target}, number)
        except OSError:
            pass
    return "survived"
"""
    outcome = attack(source)
    assert outcome.kind in {"value", "error", "killed", "timeout"}
    assert outcome.value == "survived" or outcome.detail


@pytest.mark.slow
def test_a_limit_on_processor_time_cannot_be_ignored() -> None:
    source = """
import signal
def attack():
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            while True: pass
        except BaseException:
            pass
"""
    assert attack(source).kind in {"killed", "timeout"}


def test_limits_cannot_be_raised() -> None:
    source = """
import resource
def attack():
    raised = []
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
        try:
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            raised.append(limit)
        except (OSError, ValueError):
            pass
    return raised
"""
    assert attack(source) == Outcome(kind="value", value=[])


# ---- Memory and output ----------------------------------------------------------------------


@pytest.mark.slow
def test_100_gb_of_memory_are_refused_even_to_code_that_does_not_take_no_for_an_answer() -> None:
    source = """
def attack():
    held = []
    while True:
        try:
            held.append(bytearray(100 << 30 if not held else 1 << 20))
        except MemoryError:
            held = held[:1] or [0]
"""
    assert attack(source).kind == "timeout"


def test_10_gb_of_output_end_at_the_limit_through_whatever_door() -> None:
    source = """
import os
def attack():
    chunk = b"x" * 65536
    for _ in range(10 << 30 >> 16):
        for fd in range(64):
            try:
                os.write(fd, chunk)
            except OSError:
                pass
"""
    assert attack(source) == Outcome(kind="output", detail="more than 64 kB of output")


def test_a_job_cannot_answer_for_another_program() -> None:
    """What its neighbours get is checked by `attack`; for itself it may say what it likes."""
    forged = "".join(
        f'{{"number": {n}, "kind": "value", "value": "forged"}}\\n{{"number": {n}, "ended": 0}}\\n' for n in range(5)
    )
    source = f"""
import os, time
def attack():
    for fd in range(64):
        try:
            os.write(fd, b'''{forged}''')
        except OSError:
            pass
    if os.fork() == 0:
        time.sleep(0.1)
        attack()
"""
    assert attack(source).value in (None, "forged")


def test_the_system_s_library_can_be_called_at_all() -> None:
    """Or else the attacks through ctypes would fail for want of it."""
    assert attack("import ctypes\ndef attack(): return ctypes.CDLL(None).abs(-3)").value == ctypes.CDLL(None).abs(-3)
