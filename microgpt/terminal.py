"""Shows what a voice says, in a terminal or in a pipe, and reads what the learner types.

How it looks is decided in `microgpt.tutor.voices.drawing`.
"""

import importlib
import io
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import tty
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from microgpt.tutor.voices import Block, Heading, Listing, Paragraph, Spoken
from microgpt.tutor.voices.drawing import drawn_lines, plain_lines, to_ascii, visible

TICK_S = 0.2  # a Ctrl-C is noticed within it, at the latest
MORE = " ..."  # behind a line that is still growing
WIDEST, NARROWEST = 80, 40  # columns: a longer line is hard to read, a shorter one cannot hold code


class Terminal:
    """A place to show blocks and to read lines.

    Args:
        console: where to draw; it knows the width, whether there are colours, and honours NO_COLOR.
        plain: ASCII, one fact a line.
        environ: COLORFGBG tells a dark page from a light one, EDITOR how to write more than a line.
    """

    def __init__(self, console: Console, *, plain: bool, environ: Mapping[str, str]) -> None:
        self._console, self._plain = console, plain
        self._blue = value_colour(environ)
        self._editor = environ.get("EDITOR", "")
        self._heading: Heading | None = None
        self._code: tuple[str, int, tuple[str, ...]] | None = None  # the lines drawn last, and where they stand
        self._typed: list[str] = []
        self._ahead: list[str] = []  # typed where only Enter was asked for
        self._rows = 0  # drawn since the learner last pressed Enter
        if self.live:
            importlib.import_module("readline")  # from now on, `input` knows the arrow keys

    @property
    def width(self) -> int:
        """Columns to draw in now: the learner may have made the window narrower."""
        return max(NARROWEST, min(WIDEST, self._console.width))

    @property
    def live(self) -> bool:
        """Whether somebody sits here: keys are pressed and lines can be redrawn."""
        return sys.stdin.isatty() and self._console.is_terminal and not self._plain

    def show(self, spoken: Spoken, *, paged: bool = False, again: bool = False) -> None:
        """Draw blocks, an empty line between them; a heading, or bare code, only where it is not the last one drawn.

        Args:
            paged: wait where more comes than the window holds, so that nothing scrolls away unread.
            again: draw code though it was drawn before.
        """
        for block in spoken:
            if isinstance(block, Heading):
                if block == self._heading:
                    continue
                self._heading = block
            if isinstance(block, Listing):
                code = (block.file, block.start, block.lines)
                known, self._code = code == self._code and not again and not block.values, code
                if known:
                    block = Paragraph(text=f"The code is the same as above: {block.file}. l shows it.", tone="quiet")
            lines = plain_lines(block) if self._plain else drawn_lines(block, self.width, self._blue)
            if paged:
                self._wait_if_full(len(lines) + 1)
            for line in lines if self._plain else [Text(), *lines]:
                self._print(line)

    def draw_part(self, block: Block, drawn: int, *, width: int, ended: bool, paged: bool = False) -> int:
        """Draw a paragraph as far as it has come, over the last line of what was drawn of it before.

        Args:
            drawn: lines of it that were drawn before.
            width: columns.
            ended: nothing more comes.
            paged: as for `show`, once it has ended.

        Returns:
            lines drawn by now.
        """
        lines, first = drawn_lines(block, width, self._blue), max(drawn - 1, 0)
        if not drawn:
            self._print(Text())
        if ended and paged:
            self._rows += drawn + 1
        for number, line in enumerate(lines[first:], first):
            if number == drawn and ended and paged:
                self._wait_if_full(len(lines) - drawn)
            grows = not ended and number == len(lines) - 1
            more = MORE if grows and line.cell_len + len(MORE) < width else ""
            over = ""
            if number < drawn:  # it may have ended with that before
                self._console.file.write("\r")
                over = " " * min(len(MORE) - len(more), width - 1 - line.cell_len)
            self._print(Text.assemble(line, (more, "dim"), over), end="" if grows else "\n")
        return len(lines)

    def fits(self, block: Block) -> bool:
        """Whether a block finds room in the window, without a wait, under what the learner has not read yet."""
        return self._has_room(len(drawn_lines(block, self.width, self._blue)) + 1)

    @contextmanager
    def unechoed(self) -> Generator[None]:
        """Keep what is typed off the screen for a while; it is read afterwards."""
        if not self.live:
            yield
            return
        before = termios.tcgetattr(sys.stdin)
        termios.tcsetattr(sys.stdin, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:]])
        try:
            yield
        finally:
            with suppress(termios.error):  # the window may be gone
                termios.tcsetattr(sys.stdin, termios.TCSANOW, before)

    def forget_typed_ahead(self) -> None:
        """Throw away what was typed before now: it cannot be meant for a question that comes only now."""
        if sys.stdin.isatty():
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        self._ahead.clear()

    def redraw(self, text: str) -> None:
        """Write over the line that was written before; nothing where that cannot be done."""
        if self.live:
            self._console.file.write("\r  " + visible(text)[: self.width - 3].ljust(self.width - 3))
            self._console.file.flush()

    def wipe(self) -> None:
        """Take the redrawn line away."""
        if self.live:
            self.redraw("")
            self._console.file.write("\r")

    def read(self) -> str:
        """Return the next line that the learner types.

        Raises:
            EOFError: there are no more.
        """
        if not self._ahead:
            return self._read_line()
        self._rows, line = 0, self._ahead.pop(0)
        self._print(Text(visible(f"> {line}")))
        return line

    def _read_line(self) -> str:
        self._rows = 0
        with _interruptible():
            line = input("> ") if self.live else self._read_plainly()
        self._typed.append(line.strip())
        return line.strip()

    @property
    def edits(self) -> bool:
        """Whether code is written in an editor: the learner has one, and sits here."""
        return bool(self._editor) and sys.stdin.isatty()

    def write_code(self, draft: str) -> str:
        """Let the learner write code: in their editor, which shows a draft, or line by line until a single dot.

        Returns:
            What they wrote; empty where they saved no change.

        Raises:
            EOFError: the input ended.
        """
        code = self._edit(draft) if self.edits else self._read_code()
        self._typed.append(code)
        return code

    def _edit(self, draft: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "exercise.py"
            path.write_text(draft, encoding="utf-8")
            before = signal.signal(signal.SIGINT, lambda signum, frame: None)  # a Ctrl-C in the editor is the editor's
            try:
                subprocess.run([*shlex.split(self._editor), str(path)], check=False)
                code = path.read_text(encoding="utf-8", errors="replace")
            except (OSError, ValueError) as error:
                self._print(Text(f"  {self._editor} does not start: {error}. Try another EDITOR, or none."))
                return ""
            finally:
                signal.signal(signal.SIGINT, before)
        return "" if code == draft else code

    def _read_code(self) -> str:
        lines: list[str] = []
        while True:
            with _interruptible():
                line = input(". ") if self.live else self._read_plainly(". ").rstrip("\n")
            if line.strip() == ".":
                return "\n".join(lines)
            lines.append(line)

    def _read_plainly(self, prompt: str = "> ") -> str:
        self._console.file.write(prompt)
        self._console.file.flush()
        line = sys.stdin.readline()
        if not sys.stdin.isatty():
            self._print(Text(visible(line.rstrip("\n"))))  # nobody sees the keys: a transcript should
        if not line:
            raise EOFError
        return line

    def was_typed(self, quote: str) -> bool:
        """Say whether a quote stands in a line that was typed here."""
        return any(quote in line for line in self._typed)

    @contextmanager
    def any_key(self) -> Generator[Callable[[], bool]]:
        """Give a function that says whether a key was pressed since the block began; keys are not echoed in it."""
        if not self.live:
            yield lambda: False
            return
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield lambda: bool(select.select([sys.stdin], [], [], 0)[0])
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)  # flushed: what stopped it is no answer

    def _has_room(self, rows: int) -> bool:
        return not (self.live and self._rows and self._rows + rows > self._console.height - 3)

    def _wait_if_full(self, rows: int) -> None:
        if not self._has_room(rows):
            self._print(Text("\n  Enter shows the rest.", "dim"))
            line = self._read_line()
            if line.lstrip("/") == "q":
                raise EOFError
            self._ahead += [line] if line else []  # it is about what was read so far; answered once all is shown
        self._rows += rows

    def _print(self, line: Text, end: str = "\n") -> None:
        if self._plain:
            line = Text(to_ascii(line.plain))
        self._console.print(line, soft_wrap=True, highlight=False, end=end)
        self._console.file.flush()


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C end a wait for a key, whenever it is pressed.

    One that comes just before the system call that waits would be noticed only after it: so have the call interrupted
    again and again. And one that throws away what was typed before it, as terminals do, could leave readline waiting
    for a character that it had been promised, deaf to signals: so have nothing thrown away until then.
    """
    if not sys.stdin.isatty():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda signum, frame: None)
    signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)
    modes = termios.tcgetattr(0)
    termios.tcsetattr(0, termios.TCSANOW, [*modes[:3], modes[3] | termios.NOFLSH, *modes[4:]])
    try:
        yield
    except KeyboardInterrupt:
        termios.tcflush(0, termios.TCIFLUSH)
        raise
    finally:
        with suppress(termios.error):  # the window may be gone
            termios.tcsetattr(0, termios.TCSANOW, modes)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def open_terminal(*, plain: bool, environ: Mapping[str, str]) -> Terminal:
    """Return the terminal of standard input and output, which never fails at a character."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return Terminal(Console(), plain=plain, environ=environ)


def value_colour(environ: Mapping[str, str]) -> str:
    """Return the blue of data: the light one only where the page is known to be dark, the other can be read on both.

    >>> value_colour({"COLORFGBG": "15;0"}), value_colour({})
    ('#56B4E9', '#0072B2')
    """
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "#56B4E9" if background in ("0", "8") else "#0072B2"
