"""Runs a program once, then forks a job for each expression to evaluate in it.

The template gives up its rights first, and its jobs inherit what is left. After the program has run, nothing in this
process can be relied on, for the program may have replaced any of it: `supervisor` trusts only its own clock.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from types import ModuleType, TracebackType
from typing import TypedDict, cast

from microgpt.sandbox.inside.landlock import die_with_parent, enter
from microgpt.sandbox.inside.plain import Json, NotPlainError, one_line, to_json
from microgpt.sandbox.inside.watch import RECORDER, Recorder, compile_watched

LOADING = -1  # stands for a task's number while the program itself is run
DETAIL_CHARS = 300


class Task(TypedDict):
    """One `Job`, and its place among the caller's."""

    number: int
    expression: str
    inputs: dict[str, Json]


class Group(TypedDict):
    """The tasks that one template serves: same program, same function watched."""

    files: list[tuple[str, str]]
    watch: str
    tasks: list[Task]


class Walls(TypedDict):
    """What to make walls of.

    `landlock.enter` takes the folders that may be read, and the filter of system calls, here in hexadecimal.
    """

    readable: list[str]
    refused: str
    caller: int  # who started the supervisor


class Bounds(TypedDict):
    """The caller's `Limits`, in the units of the system's calls."""

    wall_s: float
    cpu_s: int
    memory_bytes: int
    processes: int | None  # None: not limited
    file_bytes: int
    output_bytes: int
    uid: int | None  # whom the template becomes; None: it stays who it is
    walls: Walls | None  # None: they are there already, or there are none


def be_template(group: Group, bounds: Bounds, supervisor: int, starts: int, answers: int) -> None:
    """Run the program of a group, then its tasks, each in a fork.

    Args:
        supervisor: the process that this one is a fork of.
        starts: an open file with a byte for each task that may start, the program itself being the first.
        answers: an open file for lines of JSON: of each task its answer, then how its process ended.
    """
    confine(bounds, supervisor)
    os.read(starts, 1)
    me = os.getpid()
    subject = ModuleType("subject")
    sys.modules["subject"] = subject
    recorder = Recorder()
    names = frozenset(name for name, _ in group["files"])
    loaded = attempt(lambda: load(group, subject, recorder), names)
    if os.getpid() != me:  # the program forked; one template is enough
        return
    write_line(answers, {**loaded, "number": LOADING})
    write_line(answers, {"ended": 0, "number": LOADING})
    template = me
    for task in group["tasks"]:
        if not os.read(starts, 1):  # the supervisor is gone
            return
        job = os.fork()
        if job == 0:
            if bounds["walls"] is not None:
                die_with_parent(template)
            os.close(starts)  # the supervisor takes it for the template's end when nobody has this open
            me = os.getpid()
            answer = attempt(lambda task=task: evaluate(task, subject, recorder), names)
            if os.getpid() == me:  # not a fork that the expression made
                write_line(answers, {**answer, "number": task["number"]})
            os._exit(0)
        _, status = os.waitpid(job, 0)
        write_line(answers, {"ended": status, "number": task["number"]})


def confine(bounds: Bounds, supervisor: int) -> None:
    """Give up what the program may not have; none of it can be taken back."""
    walls = bounds["walls"]
    if walls is not None:
        # opened by this user, the library can be read by the next one, who may not be let into the folder around it
        sys.path[:] = [f"/proc/self/fd/{os.open(folder, os.O_PATH)}" for folder in sys.path if os.path.isdir(folder)]
        enter(walls["readable"], bytes.fromhex(walls["refused"]))
    for limit, amount in (
        (resource.RLIMIT_AS, bounds["memory_bytes"]),
        (resource.RLIMIT_FSIZE, bounds["file_bytes"]),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, bounds["processes"]),
    ):
        if amount is not None:
            resource.setrlimit(limit, (amount, amount))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["cpu_s"], bounds["cpu_s"] + 1))  # a signal first, then the end
    if bounds["uid"] is not None:  # root is exempt from RLIMIT_NPROC
        os.setgroups([])
        os.setgid(bounds["uid"])
        os.setuid(bounds["uid"])
    if walls is not None:
        die_with_parent(supervisor)  # the kernel would forget it when the user changes


def load(group: Group, subject: ModuleType, recorder: Recorder) -> dict[str, Json]:
    """Run the program's files, one after the other, in the module's namespace."""
    subject.__dict__[RECORDER] = recorder
    for place, (name, source) in enumerate(group["files"]):
        exec(compile_watched(source, name, group["watch"] if place == 0 else ""), subject.__dict__)
    return {"kind": "value"}


def evaluate(task: Task, subject: ModuleType, recorder: Recorder) -> dict[str, Json]:
    """Evaluate the expression of a task, whose inputs it alone sees."""
    plain = cast("Callable[[object], object] | None", subject.__dict__.get("plain"))
    recorder.begin(plain)
    code = compile(task["expression"], "call", "eval", dont_inherit=True)
    value = to_json(eval(code, {**subject.__dict__, **task["inputs"]}), plain)
    return {"kind": "value", "value": value, "notes": recorder.notes()}


def attempt(action: Callable[[], dict[str, Json]], names: frozenset[str]) -> dict[str, Json]:
    """Return what a stranger's code comes to, whatever it raises."""
    try:
        answer = action()
        json.dumps(answer)  # an integer can be too long to be written
        return answer
    except MemoryError:
        pass  # only after this block is the memory free that the error's frames hold
    except BaseException as error:
        return {"kind": "error", "detail": describe(error, names)}
    return {"kind": "memory", "detail": "more memory than it may have"}


def describe(error: BaseException, names: frozenset[str]) -> str:
    """Return one line: the error, and the innermost line of the program's files that it passed through.

    >>> describe(ZeroDivisionError("division by zero"), frozenset())
    'ZeroDivisionError: division by zero'
    """
    if isinstance(error, SyntaxError):
        text, place = error.msg, f" ({error.filename} line {error.lineno})" if error.filename in names else ""
    else:
        text, place = _text(error), _place(error.__traceback__, names)
    kind = "" if isinstance(error, NotPlainError) else f"{type(error).__name__}: "
    return one_line(f"{kind}{text}", DETAIL_CHARS).rstrip(":") + place


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the class is the program's own
        return ""


def _place(traceback: TracebackType | None, names: frozenset[str]) -> str:
    place = ""
    while traceback:
        name = traceback.tb_frame.f_code.co_filename
        if name in names:
            place = f" ({name} line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def write_line(fd: int, message: Mapping[str, Json]) -> None:
    """Write a message as one line of JSON."""
    write(fd, json.dumps(message).encode() + b"\n")


def write(fd: int, data: bytes) -> None:
    """Write all of it, however much the pipe takes at once."""
    while data:
        data = data[os.write(fd, data) :]
