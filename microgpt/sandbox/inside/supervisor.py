"""Evaluates every job in a process of its own, and says on standard output what came of it, a line of JSON each.

Three kinds of process:

    supervisor      never runs a stranger's code; watches the clock and the amount of output
    └── template    one for each program: gives up its rights, then runs the program once
        └── job     a fork of the template: evaluates one expression, writes one line, ends

A fork takes a millisecond or two and a program's set-up ten times that, so hundreds of jobs take a second or two; and
what a job breaks, be it memory, globals or itself, is its own copy.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import time
from collections.abc import Mapping
from typing import NamedTuple, TypedDict

from microgpt.sandbox.inside.landlock import adopt_orphans, die_with_parent
from microgpt.sandbox.inside.plain import Json
from microgpt.sandbox.inside.template import LOADING, Bounds, Group, Task, be_template, write

PRELOADED = ("argparse", "collections", "dataclasses", "functools", "itertools", "random", "re", "typing")


class Request(TypedDict):
    """What the supervisor is to do."""

    groups: list[Group]
    bounds: Bounds


class Template(NamedTuple):
    """A running template, as the supervisor holds it."""

    pid: int
    go: int  # takes a byte for each task that may start
    lines: int  # where answers arrive
    prints: int  # where everything else that is written arrives, only to be counted


class Answer(NamedTuple):
    """What came of a task: a line of JSON, and whether the template can serve the next one."""

    message: Mapping[str, Json]
    template_lives: bool = False
    lost: bool = False  # the template vanished: perhaps the work of an earlier task


def supervise(request: Request) -> None:
    """Serve all groups, one after the other, one task at a time."""
    # Ctrl-C is for the caller to heed; and Python's own handler would let it end even process number 1 of a namespace
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    walls = request["bounds"]["walls"]
    if walls is not None:
        die_with_parent(walls["caller"])
        adopt_orphans()
    for name in PRELOADED:  # before the forks, so that no program has to load again what most ask for
        importlib.import_module(name)
    for group in request["groups"]:
        tasks = group["tasks"]
        while tasks:
            tasks = serve({**group, "tasks": tasks}, request["bounds"])


def serve(group: Group, bounds: Bounds) -> list[Task]:
    """Answer tasks with one template for as long as it lives, and return those left for the next one."""
    template = start(group, bounds)
    try:
        loaded = wait(template, LOADING, bounds)
        if loaded.message["kind"] != "value":
            for task in group["tasks"]:
                say(task["number"], loaded.message)
            return []
        for done, task in enumerate(group["tasks"]):
            answer = wait(template, task["number"], bounds)
            if answer.lost and done:  # innocent until it fails in a template that nobody used before
                return group["tasks"][done:]
            say(task["number"], answer.message)
            if not answer.template_lives:
                return group["tasks"][done + 1 :]
        return []
    finally:
        stop(template)


def say(number: int, message: Mapping[str, Json]) -> None:
    """Tell the caller what came of a task: its number, a space, the message."""
    write(1, f"{number} {json.dumps(message)}\n".encode())


def start(group: Group, bounds: Bounds) -> Template:
    """Fork a template; its standard streams lead nowhere but to the counter of output."""
    stdin, nobody = os.pipe()
    starts, go = os.pipe()
    lines, answers = os.pipe()
    prints, stdout = os.pipe()
    supervisor, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            for stream, fd in enumerate((stdin, stdout, stdout)):
                os.dup2(fd, stream)
            for fd in (stdin, nobody, go, lines, prints, stdout):
                os.close(fd)
            be_template(group, bounds, supervisor, starts, answers)
        finally:
            os._exit(1)
    os.setpgid(pid, pid)
    for fd in (stdin, nobody, starts, answers, stdout):
        os.close(fd)
    return Template(pid, go, lines, prints)


def stop(template: Template) -> None:
    """End the template and everything that it started.

    Process number 1 of a namespace may kill "everybody": whoever hid in a session of its own is found too. Elsewhere
    that would be the user's whole desktop, so only the template's process group is ended; Landlock's filter lets nobody
    leave it.
    """
    for fd in (template.go, template.lines, template.prints):
        os.close(fd)
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # where nothing is left to end, or to wait for
        os.kill(-1 if os.getpid() == 1 else -template.pid, signal.SIGKILL)
        while True:
            os.wait()


def wait(template: Template, number: int, bounds: Bounds) -> Answer:
    """Let a task start, and wait until it has ended, or has used up its time or its room for output.

    The job itself writes its answer, then the template how the job ended. Lines about other tasks are ignored: a
    process that a former task left behind might still be writing.
    """
    if select.select([template.prints], [], [], 0)[0]:
        os.read(template.prints, 1 << 20)  # what the task before printed at its end
    with contextlib.suppress(BrokenPipeError):  # a dead template shows below
        os.write(template.go, b".")
    poll = select.poll()
    for fd, events in ((template.lines, select.POLLIN), (template.prints, select.POLLIN), (template.go, 0)):
        poll.register(fd, events)
    deadline = time.monotonic() + bounds["wall_s"]
    answer: Mapping[str, Json] | None = None
    received, unread = 0, b""
    while True:
        ready = [fd for fd, _ in poll.poll(max(0, deadline - time.monotonic()) * 1000)]
        if not ready:
            return Answer({"kind": "timeout", "detail": f"no answer within {bounds['wall_s']:g} s"})
        source = next((fd for fd in (template.lines, template.prints) if fd in ready), template.go)
        data = b"" if source == template.go else os.read(source, 65536)
        received += len(data)
        if received > bounds["output_bytes"]:
            return Answer({"kind": "output", "detail": f"more than {bounds['output_bytes'] // 1024} kB of output"})
        if source == template.prints:
            if not data:  # closed by everybody, which poll would tell again and again
                poll.unregister(source)
            continue
        if not data:  # nobody is left to write, or to read that a task may start: the template has ended
            return Answer(answer or how_it_ended(reap(template), bounds), lost=answer is None)
        *complete, unread = (unread + data).split(b"\n")
        for message in filter(None, map(read_line, complete)):
            if message.get("number") == number:
                status = message.get("ended")
                if isinstance(status, int) and status in range(1 << 16):
                    return Answer(answer or how_it_ended(status, bounds), template_lives=True)
                if isinstance(message.get("kind"), str):
                    answer = answer or message


def reap(template: Template) -> int:
    """Return the status with which a template ended; if it only pretended, it ends now."""
    os.kill(template.pid, signal.SIGKILL)
    return os.waitpid(template.pid, 0)[1]


def read_line(line: bytes) -> Mapping[str, Json] | None:
    """Return the message of a line, or None where a stranger's code wrote something else."""
    try:
        message: Json = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def how_it_ended(status: int, bounds: Bounds) -> Mapping[str, Json]:
    """Say why a process ended without an answer, from the status that `os.waitpid` gave."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return {"kind": "timeout", "detail": f"more than {bounds['cpu_s']} s of processor time"}
    if os.WIFSIGNALED(status):
        return {"kind": "killed", "detail": f"ended by signal {os.WTERMSIG(status)}"}
    return {"kind": "killed", "detail": f"it ended its own process, with status {os.WEXITSTATUS(status)}"}
