"""Attacks on what all share: processes, signals, the processor, memory and output."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from microgpt.sandbox import Json, Outcome, Support, bubblewrap
from tests.sandbox.attacks import attack

pytestmark = pytest.mark.usefixtures("walls")


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
