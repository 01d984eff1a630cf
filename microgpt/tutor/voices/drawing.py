"""How blocks become lines, in two pictures of the same words.

Drawn: wrapped at a width, in three styles (bold, the blue of data, dim). Plain: ASCII, one fact a line, for screen
readers and logs.
"""

import io
import re
import string
import unicodedata
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from microgpt.tutor.voices import Block, Heading, Lines, Listing, Options, Paragraph

CODE = 6  # columns before a line of code, for its number
NARROW = 60  # columns: up to here the rest of a broken line of code has no room to stand far in
_ASCII = str.maketrans(
    {"·": "-", "→": "->", "–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "×": "x", "−": "-"}
)
_TONES = {"plain": "", "claim": "bold", "quiet": "dim"}
_MARKUP = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\$([^$\n]+)\$")


def plain_lines(block: Block) -> list[Text]:
    """Return a block as lines of one fact each, unwrapped and without styles."""
    match block:
        case Heading():
            return [Text(f"[{visible(block.left)}] {visible(block.right)}")]
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
                place = f"{visible(block.file)}:{number}" if block.file else f"{number}"
                lines.append(Text(f"{place}: {visible(code)}"))
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
            rows = enumerate(row for text in block.lines for row in _inputs(text, width - max(6, cell_len(label))))
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
    parts = (char for char in unicodedata.normalize("NFKD", text.translate(_ASCII)) if not unicodedata.combining(char))
    return "".join(parts).encode("ascii", "replace").decode()


def _formula(latex: str) -> str:
    """Return a formula as one would type it."""
    bare = re.sub(r"([\^_])\{(\w+)\}", r"\1\2", latex.replace("\\", ""))
    return bare.replace("{", "(").replace("}", ")")


def _inputs(text: str, room: int) -> list[str]:
    """Return a line as it is, or, where it holds inputs and finds no room, with one input a line.

    >>> _inputs("keys = [1, 0]   query = 2", 12)
    ['keys = [1, 0]', 'query = 2']
    """
    return [text] if cell_len(visible(text)) <= room else re.split(r"(?<=\S) {3}(?=\w+ = )", text)


def _lettered(options: Options) -> Iterable[tuple[str, str]]:
    return zip(string.ascii_lowercase, options.texts, strict=False)


def _wrapped(text: Text, width: int, first: str, rest: str) -> list[Text]:
    """Break a text into lines of at most `width` columns; the first one begins with `first`, the others with `rest`."""
    if cell_len(first) + text.cell_len <= width:
        return [_line(first, text)]
    head = text.wrap(_MEASURE, width - cell_len(first))[0]
    tail = text[len(head) :]
    tail = tail[len(tail) - len(tail.plain.lstrip()) :]
    return [_line(first, head), *(_line(rest, line) for line in tail.wrap(_MEASURE, width - cell_len(rest)))]


def _line(indent: str, text: Text) -> Text:
    line = Text.assemble(indent, text)
    line.rstrip()
    return line


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
        value = Text(visible(listing.values.get(number, "")), blue)
        code, comment = _split_comment(code[margin:], width - CODE - (value.cell_len + 2 if value else 0))
        hang = 8 if width > NARROW else 2
        deeper = " " * min(CODE + hang + len(code) - len(code.lstrip()), width // 2)
        drawn = _wrapped(Text(code), width, f"{number:4}  ", deeper)
        drawn[0].stylize("dim", 0, 4)
        if value:
            drawn = [*drawn[:-1], *_apart(drawn[-1], value, width)]
        lines += [*drawn, *(_wrapped(Text(comment, "dim"), width, deeper, deeper) if comment else ())]
    return lines


def _split_comment(code: str, room: int) -> tuple[str, str]:
    """Part a line that is too long at its comment, which then stands below: the value belongs beside the code."""
    before, mark, comment = code.partition("  # ")
    return (before, f"# {comment}") if mark and len(code) > room else (code, "")


_MEASURE = Console(file=io.StringIO())  # rich wraps by a console's rules; this one draws nothing
