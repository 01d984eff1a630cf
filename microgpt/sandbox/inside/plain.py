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
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NotPlainError(f"the answer holds {value}, which is not a finite number")
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair is no text
        return value
    if isinstance(value, list | tuple):
        return [to_json(part, plain) for part in cast("Iterable[object]", value)]
    entries = cast("Mapping[object, object]", value) if isinstance(value, dict) else {None: None}
    if all(isinstance(key, str) for key in entries):
        return {cast(str, to_json(key)): to_json(part, plain) for key, part in entries.items()}
    if plain is None:
        raise NotPlainError(
            f"the answer holds a {type(value).__name__}, which is no number, text, list or dict of these"
        )
    return to_json(plain(value))
