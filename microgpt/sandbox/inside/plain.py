"""Values that JSON can say: all that leaves the sandbox."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

DEEPEST = 64  # lists in lists: what walks through a value must not run into Python's limit


class NotPlainError(Exception):
    """A value is nothing that JSON can say."""


def to_json(value: object, plain: Callable[[object], object] | None = None, *, room: int = DEEPEST) -> Json:
    """Return a copy of a value that JSON can say; tuples become lists.

    Args:
        value: anything.
        plain: converts a part that is not JSON; a course's helpers define it.
        room: how deep it may be nested.

    Raises:
        NotPlainError: a part is not JSON even so.
        UnicodeEncodeError: a text is not Unicode.

    >>> to_json({"pair": (1, 2.5)})
    {'pair': [1, 2.5]}
    """
    if not room:
        raise NotPlainError(f"the answer is nested deeper than {DEEPEST} lists")
    match value:
        case None | bool() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise NotPlainError(f"the answer holds {value}, which is not a finite number")
            return value
        case str():
            return _text(value)
        case list() | tuple():
            return [to_json(part, plain, room=room - 1) for part in cast("Iterable[object]", value)]
        case dict() if all(isinstance(key, str) for key in cast("Iterable[object]", value)):
            entries = cast("Mapping[str, object]", value)
            return {_text(key): to_json(part, plain, room=room - 1) for key, part in entries.items()}
        case _ if plain and not callable(value):
            return to_json(plain(value), room=room - 1)
        case _:
            kind = type(value).__name__
            raise NotPlainError(f"the answer holds a {kind}, which is no number, text, list or dict of such")


def _text(value: str) -> str:
    """Return a text; raise a `UnicodeEncodeError` for half of a surrogate pair, which is none."""
    value.encode()
    return value


def one_line(text: str, length: int) -> str:
    """Return a text as one line to be shown: no longer than that, and without a terminal's control codes.

    >>> one_line("two\\nlines \\x1b[31m in red", 20)
    'two lines ?[31m in r'
    """
    line = " ".join(text.split())[:length]
    return "".join(char if char.isprintable() else "?" for char in line)
