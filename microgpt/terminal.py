"""Draws what a voice says, in a terminal or in a pipe, and reads what the learner types.

Two pictures of the same blocks: wrapped at the terminal's width, in three styles (bold, blue for data, dim); or
`plain`, which is ASCII, one fact a line, and never redraws, for screen readers and logs.
"""

import importlib
import io
import re
import select
import string
import sys
import unicodedata
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from microgpt.tutor.voices import Block, Heading, Lines, Listing, Options, Paragraph, Spoken

CODE = 6  # columns before a line of code, for its number
WIDEST, NARROWEST = 80, 40  # columns: a longer line is hard to read, a shorter one cannot hold code
_ASCII = {
    "·": "-",
    "→": "->",
    "–": "-",
    "—": "-",
    "…": "...",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "×": "x",
    "−": "-",
}
_TONES = {"plain": "", "claim": "bold", "quiet": "dim"}
_MARKUP = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\$([^$\n]+)\$")


class Terminal:
    """A place to show blocks and to read lines.

    Args:
        console: where to draw; it knows the width, whether there are colours, and honours NO_COLOR.
        plain: ASCII, one fact a line.
        environ: COLORFGBG tells a dark page from a light one.
    """

    def __init__(self, console: Console, *, plain: bool, environ: Mapping[str, str]) -> None:
        self._console, self._plain = console, plain
        self._blue = value_colour(environ)
        self._heading: Heading | None = None
        self._typed: list[str] = []
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

    def show(self, spoken: Spoken, *, paged: bool = False) -> None:
        """Draw blocks, an empty line between them; a heading only where it is not the last one drawn.

        Args:
            paged: wait where more comes than the window holds, so that nothing scrolls away unread.
        """
        for block in spoken:
            if isinstance(block, Heading):
                if block == self._heading:
                    continue
                self._heading = block
            lines = plain_lines(block) if self._plain else drawn_lines(block, self.width, self._blue)
            if paged:
                self._wait_if_full(len(lines) + 1)
            for line in lines if self._plain else [Text(), *lines]:
                self._print(line)

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
        self._rows = 0
        if self.live:
            line = input("> ")
        else:
            self._console.file.write("> ")
            self._console.file.flush()
            line = sys.stdin.readline()
            if not sys.stdin.isatty():
                self._print(Text(visible(line.rstrip("\n"))))  # nobody sees the keys: a transcript should
            if not line:
                raise EOFError
        self._typed.append(line.strip())
        return line.strip()

    def was_typed(self, quote: str) -> bool:
        """Say whether a quote stands in a line that was typed here."""
        return any(quote in line for line in self._typed)

    @contextmanager
    def any_key(self) -> Generator[Callable[[], bool]]:
        """Give a function that says whether a key was pressed since the block began; keys are not echoed in it."""
        if not self.live:
            yield lambda: False
            return
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield lambda: bool(select.select([sys.stdin], [], [], 0)[0])
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)  # flushed: what stopped it is no answer

    def _wait_if_full(self, rows: int) -> None:
        if self.live and self._rows and self._rows + rows > self._console.height - 3:
            self._print(Text("\n  Enter shows the rest.", "dim"))
            if self.read() == "q":
                raise EOFError
        self._rows += rows

    def _print(self, line: Text) -> None:
        if self._plain:
            line = Text(to_ascii(line.plain))
        self._console.print(line, soft_wrap=True, highlight=False)
        self._console.file.flush()


def open_terminal(*, plain: bool, environ: Mapping[str, str]) -> Terminal:
    """Return the terminal of standard input and output, which never fails at a character."""
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    return Terminal(Console(), plain=plain, environ=environ)


def value_colour(environ: Mapping[str, str]) -> str:
    """Return the blue of data: the light one only where the page is known to be dark, the other can be read on both.

    >>> value_colour({"COLORFGBG": "15;0"}), value_colour({})
    ('#56B4E9', '#0072B2')
    """
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "#56B4E9" if background in ("0", "8") else "#0072B2"


def plain_lines(block: Block) -> list[Text]:
    """Return a block as lines of one fact each, unwrapped and without styles."""
    match block:
        case Heading():
            return [Text(f"[{block.left}] {block.right}")]
        case Paragraph():
            return [styled(block.text, "", "", fence="`")]
        case Lines():
            label = f"{block.label}  " if block.label else ""
            return [Text(label + visible(line)) for line in block.lines if line.strip()]
        case Options():
            return [Text(f"{letter}) {visible(text)}") for letter, text in _lettered(block)]
        case Listing():
            lines: list[Text] = []
            for number, code in enumerate(block.lines, block.start):
                lines.append(Text(f"{block.file}:{number}: {visible(code)}"))
                if number in block.values:
                    lines.append(Text(f"line {number} gives {visible(block.values[number])}"))
            return lines


def drawn_lines(block: Block, width: int, blue: str) -> list[Text]:
    """Return a block as lines of at most `width` columns."""
    match block:
        case Heading():
            return _apart(Text(f"  {visible(block.left)}", "bold"), Text(visible(block.right), "dim"), width)
        case Paragraph():
            return _wrapped(styled(block.text, _TONES[block.tone], blue), width, "  ", "  ")
        case Lines():
            label = f"  {block.label}  " if block.label else ""
            rows = enumerate(block.lines)
            return [
                line
                for n, text in rows
                for line in _wrapped(Text(visible(text)), width, (label if n == 0 else "").ljust(6), " " * 6)
            ]
        case Options():
            rows = ((f"      {letter}) ", Text(visible(text))) for letter, text in _lettered(block))
            return [line for first, text in rows for line in _wrapped(text, width, first, " " * 9)]
        case Listing():
            return _listing(block, width, blue)


def styled(text: str, base: str, blue: str, fence: str = "") -> Text:
    """Return a paragraph with its markup turned into styles: code and formulas blue, stress bold.

    Args:
        fence: put around code; for those who see no colours.

    >>> styled("`exp` gives $e^{score}$ over $\\\\sqrt{D}$", "", "").plain
    'exp gives e^score over sqrt(D)'
    """
    text, out, last = " ".join(visible(text).split()), Text(style=base), 0
    for match in _MARKUP.finditer(text):
        code, stress, formula = match.groups()
        out.append(text[last : match.start()])
        out.append(f"{fence}{code}{fence}" if code else stress or _formula(formula), "bold" if stress else blue)
        last = match.end()
    return out.append(text[last:])


def visible(text: str) -> str:
    """Escape what is not printable: a stranger's course, or an answer, could hold a terminal's control codes.

    >>> visible("a\\x1b[2J\\tb")
    'a\\\\x1b[2J    b'
    """
    expanded = " ".join(text.splitlines()).replace("\t", "    ")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in expanded)


def to_ascii(text: str) -> str:
    """Return the nearest ASCII text.

    >>> to_ascii("Zoë — 3 → 4")
    'Zoe - 3 -> 4'
    """
    replaced = "".join(_ASCII.get(char, char) for char in text)
    parts = (char for char in unicodedata.normalize("NFKD", replaced) if not unicodedata.combining(char))
    return "".join(parts).encode("ascii", "replace").decode()


def _formula(latex: str) -> str:
    """Return a formula as one would type it."""
    bare = re.sub(r"([\^_])\{(\w+)\}", r"\1\2", latex.replace("\\", ""))
    return bare.replace("{", "(").replace("}", ")")


def _lettered(options: Options) -> Iterable[tuple[str, str]]:
    return zip(string.ascii_lowercase, options.texts, strict=False)


def _wrapped(text: Text, width: int, first: str, rest: str) -> list[Text]:
    """Break a text into lines of at most `width` columns; the first one begins with `first`, the others with `rest`."""
    lines = text.wrap(_MEASURE, width - max(cell_len(first), cell_len(rest))) or [Text()]
    drawn = [Text.assemble(first if i == 0 else rest, line) for i, line in enumerate(lines)]
    for line in drawn:
        line.rstrip()
    return drawn


def _apart(left: Text, right: Text, width: int) -> list[Text]:
    """Put two texts at the ends of one line, or of two where one is too short."""
    gap = width - left.cell_len - right.cell_len
    if gap >= 2:
        return [Text.assemble(left, " " * gap, right)]
    rows = [*_wrapped(left, width, "", ""), *_wrapped(right, width - 2, "", "")]
    return [*rows[:-1], Text.assemble(" " * (width - rows[-1].cell_len), rows[-1])]


def _listing(listing: Listing, width: int, blue: str) -> list[Text]:
    """Code left, values right; a value that finds no room stands under its line."""
    codes = [visible(line) for line in listing.lines]
    margin = min((len(code) - len(code.lstrip()) for code in codes if code.strip()), default=0)
    lines = [Text(" " * CODE + visible(listing.file), "dim")] if listing.file else []
    for number, code in enumerate(codes, listing.start):
        code, comment = _split_comment(code[margin:], width - CODE)
        deeper = " " * min(CODE + 8 + len(code) - len(code.lstrip()), width // 2)
        drawn = _wrapped(Text(code), width, f"{number:4}  ", deeper)
        drawn[0].stylize("dim", 0, 4)
        if number in listing.values:
            value = Text(visible(listing.values[number]), blue)
            drawn = [*drawn[:-1], *_apart(drawn[-1], value, width)]
        lines += [*drawn, *(_wrapped(Text(comment, "dim"), width, deeper, deeper) if comment else ())]
    return lines


def _split_comment(code: str, room: int) -> tuple[str, str]:
    """Part a line that is too long at its comment, which then stands below: the value belongs beside the code."""
    before, mark, comment = code.partition("  # ")
    return (before, f"# {comment}") if mark and len(code) > room else (code, "")


_MEASURE = Console(file=io.StringIO())  # rich wraps by a console's rules; this one draws nothing
