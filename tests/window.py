"""A real terminal, with a learner at it: what a program shows there, and what is typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

TUTOR = [sys.executable, "-m", "microgpt", "tutor"]
DEADLINE_S = 60
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def _as_from_a_shell() -> None:
    """Make ^C a signal that is heard: what runs in the background, as CI may, ignores it, and so do its children."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Window:
    """The learner's side of a real terminal.

    Attributes:
        raw: all that was written to it so far.
    """

    def __init__(self, command: Sequence[str], *, columns: int, rows: int, env: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environ = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        environ |= {"TERM": "xterm-256color", **env}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ,
            start_new_session=True,
            preexec_fn=_as_from_a_shell,
        )
        os.close(theirs)
        self.raw = ""

    @property
    def text(self) -> str:
        return CONTROL.sub("", self.raw).replace("\r\n", "\n")

    @property
    def rows(self) -> list[str]:
        """The rows as somebody sees them in the end, where a line was written over another."""
        shown: list[str] = []
        for line in self.text.split("\n"):
            row = ""
            for part in line.split("\r"):
                row = part + row[len(part) :]
            shown.append(row.rstrip())
        return shown

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read until the words were shown so many times."""
        end = time.monotonic() + DEADLINE_S
        while self.words.count(words) < times:
            assert time.monotonic() < end, f"{words!r} did not come:\n{self.text}"
            assert self._read(), f"{words!r} did not come before the end:\n{self.text}"

    def close(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(DEADLINE_S)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], DEADLINE_S)[0]:
            return False
        try:
            self.raw += os.read(self._ours, 65536).decode()
        except OSError:  # the other side is closed
            return False
        return True


@contextmanager
def open_window(*command: str, columns: int = 80, rows: int = 200, **env: str) -> Generator[Window]:
    """Run a command in a terminal of its own, and end it however the block ends."""
    opened = Window(command, columns=columns, rows=rows, env=env)
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            opened.process.kill()
            opened.process.wait()
