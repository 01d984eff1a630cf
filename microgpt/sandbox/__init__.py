"""Runs code that is not ours: a course's keys, its mutants, what a learner wrote.

Each job is evaluated in a process of its own that sees no file, no network and no process but its own, and has so much
memory, time, room for output. Whatever it does, it ends in an `Outcome`, and the caller goes on. Read beside it:
`bubblewrap`, the walls; `syscalls`, what the kernel refuses; `inside.supervisor`, what happens behind them.

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
from microgpt.sandbox.inside.plain import Json, NotPlainError, to_json
from microgpt.sandbox.inside.supervisor import Request
from microgpt.sandbox.inside.template import Bounds, Group, Task
from microgpt.sandbox.syscalls import seccomp_filter

__all__ = ["Job", "Json", "Kind", "Limits", "Outcome", "Program", "run_jobs", "support"]

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
    contained = support() != "none"
    if not contained and not trusted:
        raise SandboxError(f"this would run code that is not ours, and nothing here can contain it: {_obstacle()}")
    outcomes = _run(dict(enumerate(jobs)), limits, contained)
    for number, job in enumerate(jobs):
        if number not in outcomes:
            outcomes |= _run({number: job}, limits, contained)
    return [outcomes.get(number, _KILLED) for number in range(len(jobs))]


def support() -> Literal["bubblewrap", "none"]:
    """Return what can contain a stranger's code on this machine, found by trying it once."""
    return "none" if _obstacle() else "bubblewrap"


@cache
def _obstacle() -> str:
    """Return why nothing can be contained here and what to try, or nothing."""
    if seccomp_filter() is None:
        return f"the sandbox knows x86-64 and 64-bit ARM, not {platform.machine()}. Try: another machine"
    if not bubblewrap.find():
        return "bubblewrap is not installed. Try: apt install bubblewrap"
    trial = Job(program=Program(files=()), expression="6 * 7", inputs={})
    if _run({0: trial}, Limits(), contained=True).get(0) != Outcome(kind="value", value=42):
        return "bubblewrap is installed, but may not make namespaces. Try: bwrap --ro-bind / / true, which says why"
    return ""


def _run(jobs: Mapping[int, Job], limits: Limits, contained: bool) -> dict[int, Outcome]:
    """Run jobs in one new sandbox, and return what it told of them until it ended."""
    request = json.dumps([_sources(), _request(jobs, limits, contained)]).encode()
    with _start(contained) as process:
        try:
            # The supervisor inside ends what takes too long; this is for a supervisor that was itself stopped.
            told, _ = process.communicate(request, timeout=_START_S + 2 * len(jobs) * limits.wall_s)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
        finally:
            process.kill()
    return dict(map(_read, told.split(b"\n")[:-1]))  # the last line may have been cut short


def _start(contained: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor, which will read a request."""
    if not contained:
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


def _request(jobs: Mapping[int, Job], limits: Limits, contained: bool) -> Request:
    """Sort the jobs by program, since each program is run once."""
    groups: dict[tuple[Program, str], Group] = {}
    for number, job in jobs.items():
        empty = Group(files=list(job.program.files), watch=job.watch, tasks=[])
        group = groups.setdefault((job.program, job.watch), empty)
        group["tasks"].append(Task(number=number, expression=job.expression, inputs=dict(job.inputs)))
    uid = bubblewrap.unprivileged_uid() if contained else None
    ours = 2 if uid else 3  # template and job; and the supervisor, if it is the same user
    bounds = Bounds(
        wall_s=limits.wall_s,
        cpu_s=math.ceil(limits.cpu_s),
        memory_bytes=limits.memory_mb << 20,
        processes=limits.processes + ours if contained else None,
        file_bytes=limits.file_mb << 20,
        output_bytes=limits.output_kb << 10,
        uid=uid,
    )
    return Request(groups=list(groups.values()), bounds=bounds)


def _sources() -> list[tuple[str, str]]:
    """Return the modules that run inside, by their full names."""
    folder = Path(inside.__file__).parent
    names = ("plain", "watch", "template", "supervisor")
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
        detail=" ".join(detail.split()),
        notes=tuple((int(at), str(name), noted) for at, name, noted in notes),
    )
