"""Values that JSON can say: all that leaves the sandbox."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class NotPlainError(Exception):
    """A value is nothing that JSON can say."""


def to_json(value: object, plain: Callable[[object], object] | None = None) -> Json:
    """Return a copy of a value that JSON can say; tuples become lists.

    Args:
        value: anything.
        plain: converts a part that is not JSON; a course's helpers define it.

    Raises:
        NotPlainError: a part is not JSON even so.

    >>> to_json({"pair": (1, 2.5)})
    {'pair': [1, 2.5]}
    """
    match value:
        case None | bool() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise NotPlainError(f"the answer holds {value}, which is not a finite number")
            return value
        case str():
            value.encode()  # half of a surrogate pair is no text
            return value
        case list() | tuple():
            return [to_json(part, plain) for part in cast("Iterable[object]", value)]
        case dict() if all(isinstance(key, str) for key in cast("Iterable[object]", value)):
            entries = cast("Mapping[str, object]", value)
            return {key: to_json(part, plain) for key, part in entries.items()}
        case _ if plain:
            return to_json(plain(value))
        case _:
            kind = type(value).__name__
            raise NotPlainError(f"the answer holds a {kind}, which is no number, text, list or dict of such")
