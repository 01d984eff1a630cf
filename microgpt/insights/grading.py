"""A learner's words against a key: generous about spelling, strict about meaning. Standard library only.

The one rule: what cannot be read as *one* answer of the key's shape is unparsed, never wrong. So "1,000", which is 1 to
some and 1000 to others, "2 or 3" and "not 0.5" are asked again instead of being graded. A list of another length than
the key is too, unless a misconception gives one: then the length is a part of what is asked, and can be wrong.
So is a number beside a word that we do not know, which may say "not" or "more than" in any language.

>>> parse("I think it is one half", "number"), parse("2 or 3", "number")
(0.5, None)
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_lowercase

from microgpt.insights.question import Kind, is_number, numbers_in, shape_of
from microgpt.insights.spelling import (
    HEDGE,
    REASON,
    folded,
    says_no_more,
    spelt,
    text_in,
    without_reason,
)
from microgpt.sandbox import Json

_LONGEST_QUOTE = 2000  # characters; longer is an essay, not an answer
_DEEPEST = 8  # brackets inside of brackets

_PLAIN = r"(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<sign>[-+])?(?P<top>{_PLAIN})(?![\w])"
    rf"(?:\s*/\s*(?P<bottom>{_PLAIN})(?!\w))?(?P<percent>\s*(?:%|per\s?cent\b))?"
)
_UNDONE = re.compile(  # what makes a number a clue instead of an answer, "half the loss" too
    r"[<>≤≥≠±^*√π!×÷·/]|(?<![a-z])[-+](?![a-z])|\b[a-z][-+]|#\s+(?:a|the|lr|rate|loss|grad|gradient|[a-z]_?\d+)\b"
    r"|#\s*:\s*#"
)
_CALL = re.compile(r"(?<!\w)[^\W\d]\w*[\[(]|\b50\s*/\s*50\b")  # "log2(8)" has yet to be worked out; "50/50" is no 1
_ROUNDED = re.compile(  # "1/3 = 0.333" and "1/3 (0.33)"
    r"(?<![\w.,/])(-?\d+)\s*/\s*(\d+)\s*(?:[=≈]|(\())\s*(-?\d*[.,]\d+)(?(3)\s*\)|(?!\w|\s*(?:%|per)))"
)
_SIDE_BY_SIDE = re.compile(r"[^#]*#(?:[\s,;]*(?:(?:and|then)\b\s*)?#)+[^#]*")  # several numbers, each as a #
_GIVES_UP = re.compile(
    r"(?:(?:well|ok|okay|sorry|hm+|honestly|please)\s+)*"
    r"(?:i\s+)?(?:give\s+up|have\s+no\s+(?:idea|clue)|no\s+(?:idea|clue)|don'?t\s+know|do\s+not\s+know|dunno|idk|pass)"
    r"(?:\s+(?:sorry|please))?"
)


def parse(
    quote: str,
    kind: Kind,
    *,
    options: Sequence[str] = (),
    shape: tuple[int, ...] = (),
    any_length: bool = False,
    known: Sequence[str] = (),
) -> Json:
    """Read a learner's words as an answer.

    Args:
        quote: the words, a sentence around the answer included.
        options: of a choice, in the order in which they were lettered.
        shape: of a list, ``(2, 3)`` for two rows of three.
        any_length: of a list: where it has not this shape, one of other lengths is an answer too.
        known: of a text: those that are answers, the key and what each misconception gives, in any order.

    Returns:
        A number, nested lists of numbers in `shape`, an option's full text, or the text (a known one as it
        stands there); None for unparsed.

    >>> parse("[2, 0, 1]", "list", shape=(4,)), parse("[2, 0, 1]", "list", shape=(4,), any_length=True)
    (None, [2, 0, 1])
    """
    if len(quote) > _LONGEST_QUOTE:
        return None
    text = quote.replace("’", "'")
    if kind == "choice":
        return _choice(text, options)
    if kind == "text":
        return text_in(text, known)
    said = _ROUNDED.sub(_fraction, without_reason(spelt(text)))
    if _CALL.search(said) or (kind == "list" and _partly_percents(said)):
        return None
    readings = list(_readings(said, kind))
    if kind == "number":
        return _only(map(_one_number, readings))
    answer = _only(_one_list(reading, shape) for reading in readings)
    return _of_any_length(readings, len(shape)) if answer is None and any_length else answer


def _only(answers: Iterable[Json]) -> Json:
    """Return the answer to which all readings of a text come that come to any; None where there are several."""
    different: list[Json] = []
    for answer in answers:
        if answer is not None and answer not in different:
            different.append(answer)
    return different[0] if len(different) == 1 else None


def same(a: Json, b: Json, within: float) -> bool:
    """Whether two answers are the same: numbers up to `within`, lists item by item, texts up to case and spaces.

    >>> same([0.13, 1], [0.125, 1.0], 0.005)
    True
    """
    if is_number(a) and is_number(b):
        room = 1e-12 * max(1.0, abs(a), abs(b))  # 0.13 - 0.125 is a little more than 0.005
        return abs(a - b) <= within + room
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, within) for x, y in zip(a, b, strict=True))
    if isinstance(a, str) and isinstance(b, str):
        return folded(a) == folded(b)
    return type(a) is type(b) and a == b


def gives_up(quote: str) -> bool:
    """Whether the words say that the learner gives up, and nothing else.

    >>> gives_up("No idea, sorry."), gives_up("no idea, 0.5?")
    (True, False)
    """
    words = re.sub(r"[^\w']+", " ", quote.replace("’", "'").lower()).strip()
    return bool(_GIVES_UP.fullmatch(words))


def stands_in(
    value: Json,
    quote: str,
    kind: Kind,
    *,
    options: Sequence[str] = (),
    shape: tuple[int, ...] = (),
    any_length: bool = False,
    known: Sequence[str] = (),
) -> bool:
    """Whether a value that an agent reports is what the learner's own words say, as `parse` reads them."""
    said = parse(quote, kind, options=options, shape=shape, any_length=any_length, known=known)
    return said is not None and same(value, said, 1e-9)


def _fraction(match: re.Match[str]) -> str:
    """Return a fraction without the rounded value beside it; both as they are, if it is another."""
    top, bottom, _, rounded = match.groups()
    point = rounded.replace(",", ".")
    half = 0.5 * 10.0 ** -len(point.partition(".")[2])
    fits = float(bottom) and same(float(top) / float(bottom), float(point), half)
    return f"{top}/{bottom} " if fits else match[0]


def _partly_percents(text: str) -> bool:
    """Whether some numbers are percents and some are not, though "33 and 67 percent" may mean that both are."""
    return len({bool(number["percent"]) for number in _NUMBER.finditer(text) if _value(number)}) > 1


def _readings(text: str, kind: Kind) -> Iterator[str]:
    """Yield the text with its commas as separators, as decimal commas, and as thousands, where they can be that."""
    decimal = re.compile(r"(?<![^\W\d]|\s),(?=\d)" if kind == "list" else r"(?<![^\W\d]),(?=\d)")  # "1 ,2" is two
    if kind == "list" or not decimal.search(text):  # nobody who means one number says 35,35 for 35
        yield text.replace(",", " , ")
    if decimal.search(text):
        yield decimal.sub(".", text)
    thousands = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?!,?\d)")
    if thousands.search(text):
        yield thousands.sub(lambda m: m[0].replace(",", ""), text)


def _numbers(text: str) -> list[int | float] | None:
    """Return the numbers in a text, or None where something else in it says that they are no plain answer."""
    values = [_value(match) for match in _NUMBER.finditer(text)]
    rest = _NUMBER.sub(" # ", text)
    if None in values or _UNDONE.search(rest) or not says_no_more(rest):
        return None
    return [value for value in values if value is not None]


def _value(match: re.Match[str]) -> int | float | None:
    top = match["top"]
    value: int | float = int(top) if top.isdecimal() and len(top) <= 15 else float(top)
    if match["bottom"]:
        bottom = float(match["bottom"])
        value = value / bottom if bottom else math.inf
    if match["percent"]:
        value = value / 100
    if not math.isfinite(value):
        return None
    return -value if match["sign"] == "-" else value


def _one_number(text: str) -> int | float | None:
    text = re.sub(r"[\[\]()]", " ", text)
    numbers = set(_numbers(text) or ())
    return numbers.pop() if len(numbers) == 1 else None


def _one_list(text: str, shape: tuple[int, ...]) -> Json:
    """Return the one list of `shape` in a text."""
    value = _list(text, len(shape))
    if shape_of(value) == shape:
        return value
    flat = list(numbers_in(value))
    one_row = len(shape_of(value) or ()) == 1 and math.prod(shape) == max(shape, default=0) == len(flat)
    return _reshaped(flat, shape) if one_row else None  # [1, 2] for [[1, 2]]


def _of_any_length(readings: Sequence[str], depth: int) -> Json:
    """Return the one list of a depth that a text says, the commas in it being separators if they can be."""
    lists = [_list_alone(reading, depth) for reading in readings]
    if lists[0] is None:
        return None
    return _only([value for value in lists if len(list(numbers_in(value))) != 1] or lists)  # "4,3" is hardly [4.3]


def _list_alone(text: str, depth: int) -> Json:
    """Return the list in a text, in brackets or of several numbers side by side, so that none of them is a clue."""
    value = _list(text, depth)
    if re.search(r"[\[(]\s*[\])]", text):
        return value if value == [] else None
    bracketed = re.search(r"[\[(]", text)
    if not bracketed and not _SIDE_BY_SIDE.fullmatch(_NUMBER.sub("#", text)):
        return None
    return value if len(shape_of(value) or ()) == depth else None


def _list(text: str, depth: int) -> Json:
    """Return what a text says as a list: bracketed or not, a row a line or with a semicolon."""
    text = text.replace("(", "[").replace(")", "]")
    return _bracketed(text) if "[" in text or "]" in text else _bare_rows(text, matrix=depth > 1)


def _bare_rows(text: str, *, matrix: bool) -> Json:
    """Return the numbers of a text without brackets; for a matrix of several rows, row by row."""
    rows = [_numbers(part) for part in re.split(r"[;\n]", text)]
    filled = [list[Json](row) for row in rows if row]
    if None in rows:
        return None
    return list[Json](filled) if matrix and len(filled) > 1 else [number for row in filled for number in row]


def _reshaped(flat: list[float], shape: tuple[int, ...]) -> Json:
    if len(shape) == 1:
        return list[Json](flat)
    size = len(flat) // shape[0]
    return [_reshaped(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


def _bracketed(text: str) -> Json:
    """Return what the brackets of a text hold: the list, or the list of lists if several stand side by side."""
    stack: list[list[Json]] = [[]]
    for part in re.split(r"([\[\]])", text):
        if len(stack) > _DEEPEST:
            return None
        if part == "[":
            stack.append([])
        elif part == "]":
            if len(stack) < 2:
                return None
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            numbers = _numbers(part)
            if numbers is None:
                return None
            stack[-1] += numbers
    if len(stack) != 1 or not stack[0]:
        return None
    return stack[0][0] if len(stack[0]) == 1 else list[Json](stack[0])


def _choice(text: str, options: Sequence[str]) -> str | None:
    """Return the option that somebody names, where nothing else is said but a reason."""
    letters = ascii_lowercase[: len(options)]
    named = [
        (name, option)
        for letter, option in zip(letters, options, strict=False)
        for name in (letter, _bare(option), re.sub("^(?:the|it) | one$", "", _bare(option)))
    ]

    def kept(reason: re.Match[str]) -> str:  # "because c is less" names another letter, "because it is a step" none
        words = re.findall(r"\b(?:[b-z]|wait|actually|no(?=,))\b|\ba\b(?! \w)", reason[0])
        return " ".join(word for word in words if len(word) > 1 or word in letters)

    said = _bare(text)
    return _named(said, named) or _named(REASON.sub(kept, said), named)


def _named(said: str, named: Sequence[tuple[str, str]]) -> str | None:
    """Return the one option of which a name is said, among words that say no more."""
    found: set[str] = set()
    for name in sorted({name for name, _ in named if name}, key=len, reverse=True):  # "nearer to 20", then "to 2"
        said, times = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", " ", said)
        found |= {option for other, option in named if times and other == name}
    rest = re.sub(r"\bone\b", " ", HEDGE.sub(" ", said))  # "the second one"
    return found.pop() if len(found) == 1 and says_no_more(rest) and not re.search("[<>≠]", rest) else None


def _bare(text: str) -> str:
    return folded(text.replace("’", "'")).strip(" .!?")
