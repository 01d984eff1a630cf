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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

import yaml

from microgpt.errors import CourseError
from microgpt.sandbox import Json

MAX_CHARACTERS = 256_000
MAX_DEPTH = 30
_LONGEST_NUMBER = 30  # characters; more is a mistake, and Python refuses to read the longest

_CORE = {  # tag: its plain spellings (YAML 1.2, section 10.3.2) and the characters they start with
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
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
        return CourseError(message, path=self.path, line=line, column=column)

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


class _CoreLoader(yaml.SafeLoader):
    """Composes nodes by the core schema; it never constructs an object."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (PyYAML's own way to say it)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = cast(yaml.Event, self.peek_event())
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(event, "anchors and aliases (& and *) are not read here. Try writing the value out.")
        if getattr(event, "tag", None):
            raise _refused(event, "tags (words after !) are not read here. Try quotes around the text.")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(event, f"nested deeper than {MAX_DEPTH} levels. Try a flatter value.")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, (_pattern, _first) in _CORE.items():
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first, *([""] if _tag == "null" else [])]
    )


def _refused(event: yaml.Event, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=event.start_mark)


def read_yaml(text: str, *, path: str, first_line: int = 1) -> Document:
    """Read a mapping, without running or constructing anything.

    Args:
        first_line: the line of the file on which `text` begins.

    Raises:
        CourseError: it is no mapping of this strict YAML; points at the place.
    """
    if len(text) > MAX_CHARACTERS:
        raise CourseError(f"longer than {MAX_CHARACTERS:,} characters. Try splitting it.", path=path)
    try:
        node = cast("yaml.Node | None", yaml.compose(text, Loader=_CoreLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + first_line, mark.column + 1) if mark else (first_line, 0)
        raise CourseError(_said(error), path=path, line=line, column=column) from None
    except yaml.YAMLError as error:
        detail = str(error).splitlines()[0]
        raise CourseError(f"not readable as text: {detail}. Try saving it as UTF-8.", path=path) from None
    if not isinstance(node, yaml.MappingNode):
        raise CourseError("expected lines of `key: value`. Try starting with  id: my-idea", path=path, line=first_line)
    places: dict[str, tuple[int, int]] = {}
    data = _Walk(path, first_line, places).value(node, "")
    assert isinstance(data, dict)
    return Document(data=data, places=places, path=path)


def _said(error: yaml.MarkedYAMLError) -> str:
    message = error.problem or "not YAML"
    if " Try " in message:
        return message
    hint = "comparing the indentation"
    if "mapping" in message:
        hint = "quotes around a text that has `: ` or begins with a sign"
    return f"not YAML: {message}. Try {hint}."


@dataclass(frozen=True)
class _Walk:
    """Turns composed nodes into plain values and notes where they stand."""

    path: str
    first_line: int
    places: dict[str, tuple[int, int]]

    def error(self, node: yaml.Node, message: str) -> CourseError:
        line, column = self.place(node)
        return CourseError(message, path=self.path, line=line, column=column)

    def place(self, node: yaml.Node) -> tuple[int, int]:
        return node.start_mark.line + self.first_line, node.start_mark.column + 1

    def value(self, node: yaml.Node, key: str) -> Json:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            self.places.update({f"{key}.{i}": self.place(item) for i, item in enumerate(node.value)})
            return [self.value(item, f"{key}.{i}") for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, key: str) -> dict[str, Json]:
        out: dict[str, Json] = {}
        for name_node, value_node in node.value:
            name = self.value(name_node, "")
            if not isinstance(name, str):
                raise self.error(name_node, f"the key {name!r} is no text. Try quotes around it.")
            if name in out:
                raise self.error(name_node, f"{name!r} stands here twice. Try deleting one of the two.")
            dotted = f"{key}.{name}" if key else name
            self.places[dotted] = self.place(name_node)
            out[name] = self.value(value_node, dotted)
        return out

    def scalar(self, node: yaml.ScalarNode) -> Json:
        text, tag = node.value, node.tag.rpartition(":")[2]
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag not in ("int", "float"):
            return text
        number = _number(text, tag) if len(text) <= _LONGEST_NUMBER else math.inf
        if not math.isfinite(number):
            raise self.error(node, f"{text[:20]!r} is no number that can be computed with. Try a finite, shorter one.")
        return number


def _number(text: str, tag: str) -> int | float:
    if tag == "int":
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return math.inf if text[-1] in "fFnN" else float(text)  # .inf and .nan are refused, as 1e999 is


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "Try NAME." for the known name that looks most like `name`, or the list of all.

    >>> nearest("clam", ["claim", "ask"])
    'Try claim.'
    """
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"Try {close[0]}." if close else f"Try one of: {', '.join(known)}."
