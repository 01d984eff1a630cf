"""Runs code that is not ours: a course's keys, its mutants, what a learner wrote.

Each job is evaluated in a process of its own that gets at no file, no network and no process but its own, and has so
much memory, time, room for output. Whatever it does, it ends in an `Outcome`, and the caller goes on. What `support`
says of a machine, and what may run there:

    bubblewrap   everything. The code is alone: it sees an interpreter, and else nothing
    landlock     everything. It sees that files and processes exist, with names, sizes and owners, but gets at none; it
                 may start no program and send no signal. What is not as good: if the caller is killed, a process that a
                 job had started and left asleep stays; and where the user is not root, the limit on processes has to
                 count the user's others, so that a job may start some more, or fewer while those grow
    none         the bundled courses, and a folder whose owner says so: with limits, but without walls

Read beside it: `bubblewrap`, `inside.landlock`, the walls; `syscalls`, what the kernel refuses; `inside.supervisor`,
what happens behind them. The same attacks are made on both kinds of walls in tests/sandbox/test_escapes.py.

    adder = Program(files=(("adder.py", "def add(a, b): return a + b"),))
    run_jobs([Job(program=adder, expression="add(a, 1)", inputs={"a": 2})])   # one Outcome, its value 3
"""

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args

from microgpt.errors import SandboxError
from microgpt.sandbox import bubblewrap, inside
from microgpt.sandbox.inside import landlock, template
from microgpt.sandbox.inside.plain import Json, NotPlainError, one_line, to_json
from microgpt.sandbox.inside.supervisor import Request
from microgpt.sandbox.inside.template import Bounds, Group, Task, Walls
from microgpt.sandbox.syscalls import seccomp_filter

__all__ = ["Job", "Json", "Kind", "Limits", "Outcome", "Program", "Support", "run_jobs", "support"]

Support = Literal["bubblewrap", "landlock", "none"]
Kind = Literal["value", "error", "timeout", "memory", "output", "killed"]

# The first thing that runs inside: it makes modules of the texts it is sent, and starts the last one.
_LOADER = """
import json, sys, types
sources, request = json.load(sys.stdin)
for name, source in sources:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
module.supervise(request)
"""
_START_S = 10.0  # for an interpreter to start on a busy machine
_OLDEST_LANDLOCK = 3  # Linux 6.2: before it, a file that may be read could be emptied
_DETAIL_CHARS = 2 * template.DETAIL_CHARS  # what an error says, and where
_SOON = 32  # processes and threads that a user may start in a minute


@dataclass(frozen=True, kw_only=True)
class Program:
    """Source texts run one after the other in one namespace: a subject, then a course's helpers.

    Args:
        files: (display name, source) of each. Errors are told as "NAME line N".
    """

    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Job:
    """An expression to evaluate in a program's namespace.

    If the program defines a function ``plain``, parts of the value that are not JSON are passed through it.

    Args:
        program: its module is called ``subject``, so a part under ``if __name__ == "__main__"`` does not run.
        expression: such as ``adam(gradients, lr)``.
        inputs: names that the expression alone can see; each job gets copies.
        watch: a function of the first file, ``name`` or ``Class.name``, whose assignments are noted in its first call.
    """

    program: Program
    expression: str
    inputs: Mapping[str, Json]
    watch: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a job.

    Args:
        kind: ``value``; or why there is none. ``killed``: its process ended without an answer.
        value: of the expression; tuples as lists.
        detail: if there is no value, one line: "ZeroDivisionError: division by zero (subject line 12)".
        notes: (line in the first file, name, value) for the function that the job watches, by line.
    """

    kind: Kind
    value: Json = None
    detail: str = ""
    notes: tuple[tuple[int, str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may use; the run of its program counts as a job.

    Args:
        wall_s: seconds until it is stopped.
        cpu_s: seconds of processor time, of each process.
        memory_mb: address space of each process; the interpreter itself takes about 30 of it.
        processes: how many, threads included, it may start. Not limited without walls.
        file_mb: size of a file it writes; there is none to write but without walls.
        output_kb: everything it prints, and its answer.
    """

    wall_s: float = 10.0
    cpu_s: float = 5.0
    memory_mb: int = 512
    processes: int = 8
    file_mb: int = 1
    output_kb: int = 256


_KILLED = Outcome(kind="killed", detail="its process ended without an answer")


def run_jobs(jobs: Sequence[Job], *, limits: Limits = Limits(), trusted: bool = False) -> list[Outcome]:
    """Evaluate jobs, each in a process of its own, and return what came of each, in their order.

    One sandbox serves them all. A job that it gave no answer for is tried once more, alone.

    Args:
        limits: for each job.
        trusted: without a sandbox on this machine, run them all the same, with limits but without walls: for the
            bundled courses, and for a folder whose owner said so. The caller shows a notice if `support` is "none".

    Raises:
        SandboxError: nothing on this machine can contain the code, and it is not trusted.
    """
    if not jobs:
        return []
    walls, obstacle = _walls()
    if walls == "none" and not trusted:
        raise SandboxError(f"this would run code that is not ours, and nothing here can contain it: {obstacle}")
    outcomes = _run(dict(enumerate(jobs)), limits, walls)
    for number, job in enumerate(jobs):
        if number not in outcomes:
            outcomes |= _run({number: job}, limits, walls)
    return [outcomes.get(number, _KILLED) for number in range(len(jobs))]


def support() -> Support:
    """Return what can contain a stranger's code on this machine, found by trying it once."""
    return _walls()[0]


@cache
def _walls() -> tuple[Support, str]:
    """Return what can contain code here; if nothing can, why, and what to try."""
    if sys.platform != "linux":
        return "none", "it takes a Linux kernel. Try: Linux, or WSL on Windows"
    if seccomp_filter() is None:
        return "none", f"the sandbox knows x86-64 and 64-bit ARM, not {platform.machine()}. Try: another machine"
    found = bubblewrap.find()
    if found and _works("bubblewrap"):
        return "bubblewrap", ""
    if landlock.version() >= _OLDEST_LANDLOCK and _works("landlock"):
        return "landlock", ""
    if found:
        why = "bubblewrap is installed, but may not make namespaces. Try: bwrap --ro-bind / / true, which says why"
        return "none", why
    return "none", "bubblewrap is not installed. Try: apt install bubblewrap"


def _works(walls: Support) -> bool:
    """Try a job that has to load a module, as many will."""
    trial = Job(program=Program(files=()), expression="__import__('fractions').Fraction(84, 2).numerator", inputs={})
    return _run({0: trial}, Limits(), walls).get(0) == Outcome(kind="value", value=42)


def _run(jobs: Mapping[int, Job], limits: Limits, walls: Support) -> dict[int, Outcome]:
    """Run jobs in one new sandbox, and return what it told of them until it ended."""
    with _start(walls) as process:
        try:
            request = json.dumps([_sources(), _request(jobs, limits, walls, process.pid)]).encode()
            # The supervisor inside ends what takes too long; this is for a supervisor that was itself stopped.
            told, _ = process.communicate(request, timeout=_START_S + 2 * len(jobs) * limits.wall_s)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
        finally:
            process.kill()
    return dict(map(_read, told.split(b"\n")[:-1]))  # the last line may have been cut short


def _start(walls: Support) -> subprocess.Popen[bytes]:
    """Start a supervisor, which will read a request; behind Landlock's walls go only those whom it starts."""
    if walls != "bubblewrap":
        return _popen([sys.executable, "-sPS", "-c", _LOADER], {"PYTHONHASHSEED": "0"})
    rules, pipe = os.pipe()
    os.write(pipe, seccomp_filter() or b"")  # a few hundred bytes: a pipe holds them
    os.close(pipe)
    try:
        return _popen(bubblewrap.command(bubblewrap.find() or "", _LOADER, rules), {}, keep_open=(rules,))
    finally:
        os.close(rules)


def _popen(command: list[str], environment: dict[str, str], keep_open: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=keep_open,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _request(jobs: Mapping[int, Job], limits: Limits, walls: Support, sandbox: int) -> Request:
    """Say what the sandbox that started as this process is to do: jobs sorted by program, since each is run once."""
    groups: dict[tuple[Program, str], Group] = {}
    for number, job in jobs.items():
        empty = Group(files=list(job.program.files), watch=job.watch, tasks=[])
        group = groups.setdefault((job.program, job.watch), empty)
        group["tasks"].append(Task(number=number, expression=job.expression, inputs=dict(job.inputs)))
    uid = None if walls == "none" else bubblewrap.unprivileged_uid(sandbox)
    ours = 2 if uid else 3  # template and job; and the supervisor, if it is the same user
    others = _others() if walls == "landlock" and uid is None else 0
    refused = seccomp_filter(namespaces=False) or b""
    made = Walls(readable=bubblewrap.libraries(), refused=refused.hex(), caller=os.getpid())
    bounds = Bounds(
        wall_s=limits.wall_s,
        cpu_s=math.ceil(limits.cpu_s),
        memory_bytes=limits.memory_mb << 20,
        processes=None if walls == "none" else limits.processes + ours + others,
        file_bytes=limits.file_mb << 20,
        output_bytes=limits.output_kb << 10,
        uid=uid,
        walls=made if walls == "landlock" else None,
    )
    return Request(groups=list(groups.values()), bounds=bounds)


def _others() -> int:
    """Return how many processes and threads the user has, and may have soon: without namespaces they count as well."""
    return sum(map(_threads, Path("/proc").glob("[0-9]*"))) + _SOON


def _threads(process: Path) -> int:
    """Return how many threads a process of the user has."""
    try:
        return len(os.listdir(process / "task")) if process.stat().st_uid == os.getuid() else 0
    except OSError:  # it has ended
        return 0


def _sources() -> list[tuple[str, str]]:
    """Return the modules that run inside, by their full names."""
    folder = Path(inside.__file__).parent
    names = ("plain", "watch", "landlock", "template", "supervisor")
    return [(f"{inside.__name__}.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")) for name in names]


def _read(line: bytes) -> tuple[int, Outcome]:
    """Return a job's number and outcome from the line about it.

    The supervisor wrote the number; what follows may be a stranger's forgery, so it is checked like any input.
    """
    number, _, text = line.partition(b" ")
    try:
        return int(number), _outcome(cast("dict[str, Json]", json.loads(text)))
    except (ValueError, TypeError, RecursionError, NotPlainError):
        return int(number), _KILLED


def _outcome(message: Mapping[str, Json]) -> Outcome:
    """Return the outcome that a message tells of."""
    kind, detail = message["kind"], message.get("detail", "")
    if kind not in get_args(Kind) or not isinstance(detail, str):
        raise ValueError(f"no outcome: {kind!r}")
    value = to_json(message.get("value"))  # refuses what JSON can say and no number can be, such as 1e999
    notes = cast("list[tuple[int, str, Json]]", to_json(message.get("notes", [])))
    return Outcome(
        kind=cast(Kind, kind),
        value=value,
        detail=one_line(detail, _DETAIL_CHARS),
        notes=tuple((int(at), str(name), noted) for at, name, noted in notes),
    )
