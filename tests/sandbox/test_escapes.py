"""Attacks on the sandbox, each with a victim outside that must not notice, and a neighbour that must get its answer.

Where an attack could fail for a dull reason, it is first run without a sandbox, where it must succeed.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs, support
from microgpt.sandbox.bubblewrap import unprivileged_uid

pytestmark = pytest.mark.skipif(support() != "bubblewrap", reason="needs bubblewrap, which does not work here")

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


def processes_inside() -> list[str]:
    """Return the processes that run as the sandbox's user, or, if we are not root, that have no /proc of their own."""
    uid = unprivileged_uid()
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and owner(entry) == uid]


def owner(entry: Path) -> int:
    try:
        return entry.stat().st_uid
    except FileNotFoundError:
        return -1


# ---- Files ----------------------------------------------------------------------------------


def test_a_file_outside_is_neither_read_nor_changed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive")
    tmp_path.chmod(0o777)
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
    assert sorted(tmp_path.iterdir()) == [canary]
    assert outside(source, path=str(canary)) == ["read", "write", "link", "make", "remove", "make folders"]


def test_nothing_but_an_interpreter_can_be_seen() -> None:
    source = """
import os
def attack(paths):
    return [sorted(os.listdir("/")), [path for path in paths if os.path.exists(path)]]
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
    value = attack(source, "attack(paths)", paths=[*hidden]).value
    assert isinstance(value, list)
    top, seen = value
    assert isinstance(top, list)
    assert set(top) <= {"lib", "lib64", "usr", "python"}
    assert seen == []


def test_no_place_can_be_written_so_no_disk_can_be_filled() -> None:
    source = """
import os
def attack():
    written = []
    folders = ["/", "/python", "/python/bin", "/usr/lib", "/lib64", os.path.dirname(os.__file__)]
    files = [entry.path for folder in folders for entry in os.scandir(folder)]
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
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
        try:
            found.append(open(path, "rb").read().decode("utf-8", "replace"))
        except OSError:
            pass
    return "hunter2" in " ".join(found)
"""
    script = (
        "import sys; from microgpt.sandbox import *; source = sys.stdin.read(); space = {}; exec(source, space);"
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


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",  # CLONE_NEWUSER: root in a namespace of its own
        "syscall(56, 0x10000011, 0, 0, 0, 0)"
        if os.uname().machine == "x86_64"
        else "syscall(220, 0x10000011, 0, 0, 0, 0)",
        "shmget(0, 1 << 30, 0o1600)",  # memory that belongs to no process
        "ptrace(16, 1, 0, 0)",  # PTRACE_ATTACH to the supervisor
        "memfd_create(b'x', 0)",
        "mount(b'none', b'/', b'tmpfs', 0, 0)",
    ],
)
def test_the_kernel_refuses_what_would_get_past_the_walls(call: str) -> None:
    source = f"""
import ctypes
def attack():
    result = ctypes.CDLL(None, use_errno=True).{call}
    return [result, ctypes.get_errno()]
"""
    assert attack(source).value == [-1, 1]  # EPERM


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


# ---- Processes and signals ------------------------------------------------------------------


@pytest.mark.parametrize("flee", ["", "os.setsid()"])
def test_a_fork_bomb_hits_a_limit_and_leaves_nothing_behind(flee: str) -> None:
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
    assert attack(source).value == [8, "BlockingIOError"]
    if os.geteuid() == 0:
        assert processes_inside() == []


def test_a_bomb_whose_every_fork_forks_on_ends_too() -> None:
    outcome = attack("import os\ndef attack():\n    while True:\n        try: os.fork()\n        except OSError: pass")
    assert outcome.kind == "timeout"
    if os.geteuid() == 0:
        assert processes_inside() == []


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
    assert attack(source).value in range(1, 9)  # fewer where memory for their stacks runs out first


@pytest.mark.parametrize(
    "target",
    ["os.getppid()", "1", "-1", "0", "SUPERVISOR", "-SUPERVISOR"],
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


@pytest.mark.parametrize(
    ("forged", "detail"),
    [
        ('"kind": "value", "value": 1e999', "its process ended without an answer"),
        ('"kind": "value", "value": ' + "[" * 900 + "]" * 900, "its process ended without an answer"),
        ('"kind": "bliss"', "its process ended without an answer"),
        ('"kind": "value", "notes": 7', "its process ended without an answer"),
        ('"kind": 7', "it ended its own process, with status 0"),
        ('"ended": "never"', "it ended its own process, with status 0"),
        ('"ended": 123456789012', "it ended its own process, with status 0"),
        ('"kind": "killed", "detail": "two\\\\nlines"', "two lines"),
    ],
)
def test_a_forged_answer_harms_neither_the_supervisor_nor_the_caller(forged: str, detail: str) -> None:
    source = f"""
import os
def attack():
    for fd in range(3, 64):
        try:
            os.write(fd, b'{{"number": 1, {forged}}}\\n')
        except OSError:
            pass
    os._exit(0)
"""
    assert attack(source) == Outcome(kind="killed", detail=detail)


# ---- Other users ----------------------------------------------------------------------------


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else; this user is tested by all the others"
)
def test_it_works_for_a_user_who_is_not_root() -> None:
    python = interpreter_for_everybody()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own would be closed to others
        Path(folder).chmod(0o755)
        package = Path(folder, "microgpt")
        shutil.copytree(REPOSITORY / "microgpt" / "sandbox", package / "sandbox")
        for name in ("__init__.py", "errors.py"):
            shutil.copy(REPOSITORY / "microgpt" / name, package / name)
        nobody = subprocess.run(
            [python, "-c", AS_NOBODY], user=65534, group=65534, cwd=folder, capture_output=True, text=True
        )
    assert (nobody.stdout, nobody.stderr) == ("bubblewrap 8 None None False None 2\n", "")


AS_NOBODY = """
from microgpt.sandbox import *
bomb = '''
import os, time
def fork():
    born = 0
    try:
        while True:
            if os.fork() == 0:
                os.setsid()
                time.sleep(99)
            born += 1
    except OSError:
        return born
'''
program = Program(files=(("subject", bomb),))
texts = ["fork()", "os.kill(1, 9)", "os.kill(-1, 9)", "os.getuid() == 0", "open('/new', 'w').write('x')", "1 + 1"]
jobs = [Job(program=program, expression=text, inputs={}) for text in texts]
print(support(), *[outcome.value for outcome in run_jobs(jobs)])
"""


def interpreter_for_everybody() -> str:
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = [python, "-c", "import sys; assert sys.version_info >= (3, 11)"]
        try:
            if subprocess.run(check, user=65534, group=65534, capture_output=True).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("no interpreter that a user other than root may run")


def test_the_system_s_library_can_be_called_at_all() -> None:
    """Or else the attacks through ctypes would fail for want of it."""
    assert attack("import ctypes\ndef attack(): return ctypes.CDLL(None).abs(-3)").value == ctypes.CDLL(None).abs(-3)
