"""Fresh processes to measure in, each with one thread, all gone when the block that started them ends.

Each leads a session of its own: a Ctrl-C reaches `microgpt bench` alone, which then ends them.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from microgpt.bench.probe import Ready, Round

THREADS = 1
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "NUMEXPR")


class ProbeError(Exception):
    """What was to be measured cannot be, on this machine; the message says why and what to type."""


class Probe:
    """A process of `microgpt.bench.probe`; make one with `start_probe`.

    Attributes:
        ready: what it said when it was.
    """

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self._process, self._errors = process, errors
        self.ready = Ready(**self._read())

    def work(self, batch: int, seconds: float) -> Round:
        """Have a round worked."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; what it wrote last tells why
            print(json.dumps([batch, seconds]), file=self._process.stdin)
        return Round(**self._read())

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ProbeError(last_line(self._errors) or "it ended without a word")
        said = json.loads(line)
        if "error" in said:
            raise ProbeError(said["error"])
        return said


@contextmanager
def start_probe(work: str) -> Generator[Probe]:
    """Start a probe, and end it after the block.

    Args:
        work: "yardstick", or a `ComputeConfig` in JSON.

    Raises:
        ProbeError: if the engine or its device is not here; its methods do if it fails later.
    """
    command = [sys.executable, "-P", "-m", "microgpt.bench.probe", work]
    pipe = subprocess.PIPE
    with (
        errors_file() as errors,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=errors, text=True, bufsize=1, env=environment(),
            start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            yield Probe(process, errors)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a process took, those that it started and waited for included.

    Args:
        cpu_s: CPU seconds, of all threads.
        peak_bytes: the most memory held; on Linux at least what the process held that started it.
    """

    cpu_s: float
    peak_bytes: int


def run_command(command: Sequence[str]) -> Usage:
    """Run a command to its end; what it prints is dropped.

    Raises:
        ProbeError: if there is no such command, or it fails.
    """
    with errors_file() as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env=environment(), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ProbeError(f"{command[0]}: {error.strerror}") from None
        with process:
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise ProbeError(f"it ended with {process.returncode}: {last_line(errors)}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Usage(cpu_s=usage.ru_utime + usage.ru_stime, peak_bytes=usage.ru_maxrss * kilobyte)


def environment() -> dict[str, str]:
    """Return the environment of what is measured: as here, but that no library starts further threads."""
    return {**os.environ, **{f"{library}_NUM_THREADS": str(THREADS) for library in LIBRARIES}}


def errors_file() -> IO[str]:
    """Return a file for what a process complains of; a pipe that nobody reads would fill up and stop it."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def last_line(stream: IO[str]) -> str:
    """Return the last line of what was written, as the one of a traceback that says what happened."""
    stream.seek(0)
    lines = stream.read().strip().splitlines()
    return lines[-1] if lines else ""
