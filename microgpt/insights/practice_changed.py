"""The pieces of code that an edit changes, word by word. Questions that show a misconception depend on these.

>>> old = "[math.exp(score - top) for score in scores]"
>>> [old[start:end] for start, end in changed_pieces(old, "[math.exp(score) for score in scores]")]
[' - top']
"""

import re
from difflib import SequenceMatcher

_WORD = re.compile(r"[\w.]+|\S")


def changed_pieces(old: str, new: str) -> list[tuple[int, int]]:
    """Return where each begins and ends in the old text: up to the words beside it, which it may be applied to."""
    words = list(_WORD.finditer(old))
    ends, starts = [0, *(word.end() for word in words)], [*(word.start() for word in words), len(old)]
    matcher = SequenceMatcher(None, [word[0] for word in words], _WORD.findall(new), autojunk=False)
    return [(ends[first], starts[last]) for tag, first, last, _, _ in matcher.get_opcodes() if tag != "equal"]


def is_beside(start: int, end: int, pieces: list[tuple[int, int]]) -> bool:
    """Whether a part of the old text holds some of a changed piece, or stands next to one."""
    return any(start <= last and first <= end for first, last in pieces)
