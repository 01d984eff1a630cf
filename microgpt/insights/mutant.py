"""A misconception as an edit of the subject: the code then believes what the learner believes.

A diff is made of fragments of lines. ``-`` is what stands there and must match at exactly one place, of the subject or
of the insight's anchor; ``+`` is what comes instead. Leading space is ignored, for the author does not count columns:

>>> print(apply_mutant("def half(x):\\n    return x / 2", "- x / 2\\n+ x * 2"))
def half(x):
    return x * 2
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from microgpt.errors import CourseError


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One edit: fragments of lines in a row, and the lines that come in their place."""

    old: tuple[str, ...]
    new: tuple[str, ...]


def apply_mutant(source: str, diff: str, *, anchor: Collection[int] = ()) -> str:
    """Return the source with every hunk of a diff applied.

    Every hunk is matched against the source as it was, so that the order of hunks does not matter. Of several ``+``
    lines the first stands where the match began; the others are indented as that line is, and as they are among
    each other.

    Args:
        anchor: the lines of the insight's anchor; of several places that match, the one in there is meant.

    Raises:
        CourseError: the diff is empty, a hunk matches nowhere or at several places, or two hunks overlap.
    """
    edits = sorted(_edit(source, hunk, anchor) for hunk in parse_diff(diff))
    for (_, end, _), (start, _, _) in pairwise(edits):
        if start < end:
            line = source.count("\n", 0, start) + 1
            raise CourseError(f"two hunks change line {line} of the subject. Try one hunk for both.")
    for start, end, text in reversed(edits):
        source = source[:start] + text + source[end:]
    return source


def parse_diff(diff: str) -> tuple[Hunk, ...]:
    """Return the hunks of a diff: a line without a sign ends one, and so does a ``-`` after a ``+``.

    >>> [hunk.old for hunk in parse_diff("- a\\n+ b\\n- c")]
    [('a',), ('c',)]
    """
    hunks: list[tuple[list[str], list[str]]] = []
    previous = ""
    for line in diff.splitlines():
        sign, fragment = line.strip()[:1], line.strip()[1:]
        if sign == "-":
            if previous != "-":
                hunks.append(([], []))
            hunks[-1][0].append(fragment.strip())
        elif sign == "+":
            if previous not in ("-", "+"):
                raise CourseError(f"+{fragment} stands without the line that it replaces. Try a - line above it.")
            hunks[-1][1].append(fragment.rstrip())
        previous = sign if sign in ("-", "+") else ""
    if not hunks:
        raise CourseError("the mutant changes nothing. Try a line that begins with - and one that begins with +.")
    if not all(all(old) for old, _ in hunks):
        raise CourseError("a - line is empty, so it fits everywhere. Try writing out what it replaces.")
    return tuple(Hunk(old=tuple(old), new=tuple(new)) for old, new in hunks)


def _edit(source: str, hunk: Hunk, anchor: Collection[int]) -> tuple[int, int, str]:
    """Return where a hunk's edit begins and ends in the source, and the text to put there."""
    start, end = _place(source, hunk.old, anchor)
    line_start = source.rfind("\n", 0, start) + 1
    if not hunk.new:  # the lines go as a whole
        line_end = source.find("\n", end) + 1 or len(source)
        return line_start, line_end, ""
    line = source[line_start:end]
    base = len(line) - len(line.lstrip())
    widths = [len(text) - len(text.lstrip()) for text in hunk.new]
    indents = ["", *(" " * max(0, base + width - widths[0]) for width in widths[1:])]
    return start, end, "\n".join(i + text.strip() for i, text in zip(indents, hunk.new, strict=True))


def _place(source: str, fragments: Sequence[str], anchor: Collection[int]) -> tuple[int, int]:
    """Return the one span where the fragments stand in a row, each in the line after the other.

    A word at a fragment's edge is matched whole: ``lr = 0.01`` is not in ``lr = 0.015``.
    """
    first, last = fragments[0][0], fragments[-1][-1]
    before = r"(?<!\w)" if re.match(r"\w", first) else ""
    after = r"(?!\w)" if re.match(r"\w", last) else ""
    pattern = before + r"[ \t]*\n[ \t]*".join(map(re.escape, fragments)) + after
    spans = [(m.start(), m.start() + len(m[1])) for m in re.finditer(f"(?=({pattern}))", source)]
    lines = [source.count("\n", 0, start) + 1 for start, _ in spans]
    inside = [span for span, line in zip(spans, lines, strict=True) if line in anchor]
    if len(spans) == 1 or len(inside) == 1:
        return (inside or spans)[0]
    if spans:
        places = ", ".join(map(str, lines[:5]))
        raise CourseError(
            f"- {fragments[0]} stands at {len(spans)} places of the subject (lines {places}). "
            "Try more of the line, or the next line too."
        )
    raise _nowhere(source, fragments)


def _nowhere(source: str, fragments: Sequence[str]) -> CourseError:
    absent = next((fragment for fragment in fragments if fragment not in source), fragments[0])
    lines = source.split("\n")
    stripped = [line.strip() for line in lines]
    close = get_close_matches(absent, filter(None, stripped), n=1, cutoff=0.3)
    hint = f"The nearest line is {stripped.index(close[0]) + 1}: {close[0]} Try copying from it." if close else ""
    return CourseError(f"- {absent} stands at 0 places of the subject. {hint or 'Try copying a line of it.'}")
