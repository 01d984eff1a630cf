"""The function that an insight is about, as it is, and as a misconception's edit has it.

>>> old = "[math.exp(score - top) for score in scores]"
>>> [old[start:end] for start, end in changed_pieces(old, "[math.exp(score) for score in scores]")]
[' - top']
"""

import ast
import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from microgpt.errors import CourseError
from microgpt.insights.course import Course
from microgpt.insights.insight import Insight, Misconception
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.practice_blank import Function
from microgpt.insights.subject import SourceLines, enclosing_function, parse_python, symbol_source, without_comments

_WORD = re.compile(r"[\w.]+|\S")


@dataclass(frozen=True, kw_only=True)
class Place:
    """The code that an insight is about, found once: to parse the subject is what takes time here.

    Args:
        insight: its id.
        name: of the function, or of the whole symbol where that is in none.
        source: its lines.
        function: its syntax tree; None where it is no function.
    """

    insight: str
    name: str
    source: SourceLines
    function: Function | None


@dataclass(frozen=True, kw_only=True)
class Edited:
    """The code with a misconception's edit in it.

    Args:
        changed: lines of the edited file.
        pieces: where what it changes begins and ends in the code as it is.
        original: what stood there.
    """

    belief: Misconception
    lines: tuple[str, ...]
    changed: tuple[int, ...]
    pieces: list[tuple[int, int]]
    original: tuple[str, ...]


def place_of(course: Course, insight: Insight) -> Place | None:
    """Return the code that an insight is about; None where it is about none."""
    if not insight.anchor:
        return None
    try:
        name = enclosing_function(course.subject_source, insight.anchor) or insight.anchor
        path_name = course.subject_path.name if course.subject_path else ""
        source = symbol_source(course.subject_source, name, path_name=path_name)
        tree = parse_python(course.subject_source, path=path_name)
    except CourseError:
        return None  # lint tells the educator
    inside = range(source.start, source.start + len(source.lines))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno in inside]
    first = min(nodes, key=lambda node: node.lineno)
    function = first if isinstance(first, Function) else None
    return Place(insight=insight.id, name=name, source=source, function=function)


def edit_of(course: Course, belief: Misconception, place: Place) -> Edited | None:
    """Return the code as a belief has it; None where the belief changes something else, or more than that."""
    start, size = place.source.start, len(place.source.lines)
    try:
        mutated = apply_mutant(course.subject_source, belief.mutant, anchor=range(start, start + size))
    except CourseError:
        return None  # it has none, or one that does not fit
    before, after = course.subject_source.split("\n"), mutated.split("\n")
    end = len(after) - (len(before) - (start - 1 + size))
    if before[: start - 1] != after[: start - 1] or before[start - 1 + size :] != after[end:]:
        return None
    lines, original = after[start - 1 : end], without_comments(place.source.lines)
    changed: set[int] = set()
    replaced: set[int] = set()
    for tag, i, i_end, j, j_end in SequenceMatcher(None, place.source.lines, lines, autojunk=False).get_opcodes():
        if tag != "equal":
            replaced |= set(range(i, i_end))
            changed |= set(range(j, j_end)) or {max(0, j - 1), min(j, len(lines) - 1)}  # beside what was cut out
    return Edited(
        belief=belief,
        lines=without_comments(lines),  # they speak of the code as it was, which would give the edit away
        changed=tuple(start + i for i in sorted(changed)),
        pieces=changed_pieces("\n".join(place.source.lines), "\n".join(lines)),
        original=tuple(original[i].strip() for i in sorted(replaced)),
    )


def changed_pieces(old: str, new: str) -> list[tuple[int, int]]:
    """Return where each begins and ends in the old text: up to the words beside it, which it may be applied to."""
    words = list(_WORD.finditer(old))
    ends, starts = [0, *(word.end() for word in words)], [*(word.start() for word in words), len(old)]
    matcher = SequenceMatcher(None, [word[0] for word in words], _WORD.findall(new), autojunk=False)
    return [(ends[first], starts[last]) for tag, first, last, _, _ in matcher.get_opcodes() if tag != "equal"]


def is_beside(start: int, end: int, pieces: list[tuple[int, int]]) -> bool:
    """Whether a part of the old text holds some of a changed piece, or stands next to one."""
    return any(start <= last and first <= end for first, last in pieces)
