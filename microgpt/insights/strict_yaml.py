"""YAML for people: text stays text, every key has a line number, and nothing can explode.

Plain YAML bites authors: ``no`` becomes False, ``1:30`` becomes 90, ``012`` becomes 10, a key typed twice wins
silently. Here scalars follow the YAML 1.2 core schema, and what a course never needs (anchors, tags, documents in a
row) is refused.

>>> read_yaml("answer: no\\nlr: 0.1", path="x.yaml").data
{'answer': 'no', 'lr': 0.1}
"""
# PyYAML's stubs leave some types open:
# pyright: reportUnknownMemberType=false

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

import yaml

from microgpt.errors import CourseError
from microgpt.sandbox import Json

MAX_CHARACTERS = 256_000
MAX_DEPTH = 30
MAX_VALUES = 25_000  # keys, texts, numbers and lists; as many take half a second to read
_MOST_NAMED = 15  # where a name is none of the known ones
_LONGEST_NUMBER = 30  # characters; more is a mistake, and Python refuses to read the longest

# What makes a terminal do something, and what shows a line in another order than it is stored.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, where it is
_CORE = {  # the core schema's plain spellings (YAML 1.2, section 10.3.2), the first that fits
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
}


@dataclass(frozen=True, kw_only=True)
class Document:
    """A mapping that was read, and where each of its keys stands.

    Args:
        data: plain values; every key is text.
        places: (line, column) by dotted key, ``questions.tiny.lr``; counted from 1, in the whole file.
        path: the file, as the user would name it.
    """

    data: Mapping[str, Json]
    places: Mapping[str, tuple[int, int]]
    path: str

    def line(self, key: str) -> int:
        """Return where a key stands; for one that is absent, where the mapping it belongs to does."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, (1, 1))[0]

    def error(self, key: str, message: str) -> CourseError:
        """Return an error that points at a key."""
        line, column = self.places.get(key, (self.line(key), 0))
        return CourseError(brief(message), path=self.path, line=line, column=column)

    def at(self, key: str) -> Json:
        """Return the value at a dotted key, None where there is none; the empty key is the whole document."""
        value: Json = dict(self.data)
        for part in filter(None, key.split(".")):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def mapping(self, key: str) -> Mapping[str, Json]:
        """Return the mapping at a dotted key; raise a `CourseError` where there is none, or it is empty."""
        value, name = self.at(key), key.rpartition(".")[2]
        if not isinstance(value, dict) or not value:
            raise self.error(key, f"{name!r} needs lines of `name: value` below it. Try adding one, indented.")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return the text at a dotted key.

        Raises:
            CourseError: it is no text, or it is missing and there is no default.
        """
        value, name = self.at(key), key.rpartition(".")[2]
        if value is None and default is not None and key not in self.places:
            return default
        if value is None:
            raise self.error(key, f"{name!r} is missing or empty. Try  {name}: some words")
        if not isinstance(value, str):
            raise self.error(key, f"{name!r} is text, not {value!r}. Try quotes around it.")
        if not value.strip():
            raise self.error(key, f"{name!r} is empty. Try deleting the line.")
        return value.strip("\n").rstrip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts at a dotted key; none where it is absent.

        Raises:
            CourseError: it is no list of texts, or a text stands in it twice.
        """
        value, name = self.at(key), key.rpartition(".")[2]
        if value is None and key not in self.places:
            return ()
        if not isinstance(value, list):
            raise self.error(key, f"{name!r} is a list. Try  {name}: [one, two]")
        texts = tuple(item for item in value if isinstance(item, str) and item.strip())
        if len(texts) != len(value) or len(set(texts)) != len(texts):
            raise self.error(key, f"{name!r} lists texts, each once, not {value!r}. Try quotes around numbers.")
        return texts


def read_yaml(text: str, *, path: str, first_line: int = 1) -> Document:
    """Read a mapping, without running or constructing anything.

    Args:
        first_line: the line of the file on which `text` begins.

    Raises:
        CourseError: it is no mapping of this strict YAML; points at the place.
    """
    if len(text) > MAX_CHARACTERS:
        raise CourseError(f"longer than {MAX_CHARACTERS:,} characters. Try splitting it.", path=path)
    events = cast("Iterator[yaml.Event]", yaml.parse(text, Loader=_PARSER))
    reader = _Reader(events, path, first_line)
    try:
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (min(mark.line, text.count("\n")), mark.column + 1) if mark else (0, 0)
        line += first_line
        raise CourseError(_said(error), path=path, line=line, column=column) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        detail = str(error).splitlines()[0]
        raise CourseError(f"not readable as text: {detail}. Try saving it as UTF-8.", path=path) from None
    if not isinstance(data, dict):
        raise CourseError("expected lines of `key: value`. Try starting with  id: my-idea", path=path, line=first_line)
    return Document(data=data, places=reader.places, path=path)


def _said(error: yaml.MarkedYAMLError) -> str:
    hint = "closing the bracket" if "']'" in (error.problem or "") else "comparing the indentation"
    if "mapping" in (error.problem or ""):
        hint = "quotes around a text that has `: ` or begins with a sign"
    if "start any token" in (error.problem or ""):  # a tab, or one of @ ` %
        hint = "spaces instead of a tab, or quotes around a text that begins with a sign"
    return f"not YAML: {error.problem or 'it breaks off'}. Try {hint}."


class _Reader:
    """Turns the parser's events into plain values and notes where they stand.

    Args:
        events: of one file, as they come.
    """

    def __init__(self, events: Iterator[yaml.Event], path: str, first_line: int) -> None:
        self._events, self._path, self._first_line = events, path, first_line
        self._values = 0
        self.places: dict[str, tuple[int, int]] = {}

    def document(self) -> Json:
        """Return the one document of the file, None where it is empty."""
        opening = next((event for event in self._events if not isinstance(event, yaml.StreamStartEvent)), None)
        if not isinstance(opening, yaml.DocumentStartEvent):
            return None
        data = self._value(next(self._events), "", 1)
        end, after = next(self._events), next(self._events)
        assert isinstance(end, yaml.DocumentEndEvent)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error(after, "a second document begins here. Try deleting this line.")
        return data

    def _value(self, event: yaml.Event, key: str, depth: int) -> Json:
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES:,} values. Try splitting the file.")
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels. Try a flatter value.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error(event, "anchors and aliases (& and *) are not read here. Try writing the value out.")
        if getattr(event, "tag", None):
            raise self._error(event, "tags (words after !) are not read here. Try quotes around the text.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(key, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(key, depth)
        assert isinstance(event, yaml.ScalarEvent)
        return self._scalar(event)

    def _mapping(self, key: str, depth: int) -> dict[str, Json]:
        out: dict[str, Json] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._value(event, "", depth + 1)
            if not isinstance(name, str):
                raise self._error(event, f"the key {name!r} is no text. Try quotes around it.")
            if name in out:
                raise self._error(event, f"{name!r} stands here twice. Try deleting one of the two.")
            dotted = f"{key}.{name}" if key else name
            self.places[dotted] = self._place(event)
            out[name] = self._value(next(self._events), dotted, depth + 1)
        return out

    def _list(self, key: str, depth: int) -> list[Json]:
        out: list[Json] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            dotted = f"{key}.{len(out)}"
            self.places[dotted] = self._place(event)
            out.append(self._value(event, dotted, depth + 1))
        return out

    def _scalar(self, event: yaml.ScalarEvent) -> Json:
        """Return what a scalar stands for: in quotes, or as a block, it is text whatever it looks like."""
        text, is_plain = event.value, event.implicit[0]
        if code := control_code(text):
            raise self._error(event, f"{code} stands in it, which a terminal would obey. Try deleting it.")
        tag = next((tag for tag, pattern in _CORE.items() if pattern.fullmatch(text)), "") if is_plain else ""
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag not in ("int", "float"):
            return text
        number = _number(text, tag) if len(text) <= _LONGEST_NUMBER else math.inf
        if not math.isfinite(number):
            message = f"{text[:20]!r} is no number that can be computed with. Try a finite, shorter one."
            raise self._error(event, message)
        return number

    def _place(self, event: yaml.Event) -> tuple[int, int]:
        return event.start_mark.line + self._first_line, event.start_mark.column + 1

    def _error(self, event: yaml.Event, message: str) -> CourseError:
        line, column = self._place(event)
        return CourseError(brief(message), path=self._path, line=line, column=column)


def _number(text: str, tag: str) -> int | float:
    if tag == "int":
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return math.inf if text[-1] in "fFnN" else float(text)  # .inf and .nan are refused, as 1e999 is


def control_code(text: str) -> str:
    """Return the first control code in a text, as a name for it; empty where there is none.

    >>> control_code("a\\tb"), control_code("\\x1b[31mred")
    ('', 'U+001B')
    """
    found = _CONTROL.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""


def brief(message: str) -> str:
    """Return a message without its middle, where somebody's endless text stands in it."""
    return message if len(message) <= 600 else f"{message[:300]} ... {message[-200:]}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "Try NAME." for the known name that looks most like `name`, or the list of all, or of the first of many.

    >>> nearest("clam", ["claim", "ask"])
    'Try claim.'
    """
    known = list(known)
    close = get_close_matches(name, known, n=1)
    rest = ", ..." if len(known) > _MOST_NAMED else ""
    return f"Try {close[0]}." if close else f"Try one of: {', '.join(known[:_MOST_NAMED])}{rest}."
