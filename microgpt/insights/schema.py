"""The format of an insight and of a course as JSON Schema, so that an editor completes the keys and checks them.

Made from the types that `insight` and `course` read into, and from what their docstrings say of each field. A schema
knows keys and types; what only several keys together can break is for `parse_insight` and lint to say.
"""

import inspect
import re
from collections.abc import Collection, Mapping
from typing import get_type_hints

from microgpt.insights.course import COURSE_KEYS, Course
from microgpt.insights.insight import (
    IDENTIFIER,
    INSIGHT_KEYS,
    LONGEST_ID,
    MISCONCEPTION_KEYS,
    QUESTION_KEYS,
    YOURS,
    Insight,
    Misconception,
    Question,
)
from microgpt.sandbox import Json

_TEXT: dict[str, Json] = {"type": "string", "pattern": r"\S"}
_TEXTS: dict[str, Json] = {"type": "array", "items": {**_TEXT}, "uniqueItems": True}
_BY_TYPE: Mapping[object, dict[str, Json]] = {
    str: _TEXT,
    float: {"type": "number", "exclusiveMinimum": 0},
    int: {"type": "integer", "minimum": 1},
    bool: {"type": "boolean"},
    tuple[str, ...]: _TEXTS,
    Mapping[str, str]: {"type": "object", "additionalProperties": {**_TEXT}},
    Mapping[str, tuple[str, ...]]: {"type": "object", "additionalProperties": {**_TEXTS}},
}
_ID: dict[str, Json] = {"pattern": f"^{IDENTIFIER.pattern}$", "maxLength": LONGEST_ID}


def insight_schema() -> dict[str, Json]:
    """Return the schema of what stands between the two lines of ``---``."""
    question = _object(Question, QUESTION_KEYS, required=())
    question["properties"] = {**_properties(question), "right": {**_TEXT}, "wrong": _named({**_TEXT})}
    question["additionalProperties"] = True  # every other key is an input of the call
    belief = _object(Misconception, MISCONCEPTION_KEYS, required=("belief", "counter"))
    schema = _object(Insight, INSIGHT_KEYS, required=("id", "claim", "questions", "misconceptions"))
    schema["properties"] = {
        **_properties(schema),
        "id": {**_BY_TYPE[str], **_ID, "description": "Never changes: the name of the file, without .md."},
        "yours": {**_BY_TYPE[str], "pattern": rf"\b{YOURS}\b", "description": _described(Insight)["yours"]},
        "questions": {**_named(question), "description": _summary(Question)},
        "misconceptions": {**_named(belief), "description": _summary(Misconception)},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "An insight of microgpt", **schema}


def course_schema() -> dict[str, Json]:
    """Return the schema of ``course.yaml``."""
    schema = _object(Course, COURSE_KEYS, required=("format", "id", "title", "order"))
    schema["properties"] = {"format": {"const": 1}, **_properties(schema)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A course of microgpt", **schema}


def _object(kind: type, keys: Collection[str], required: Collection[str]) -> dict[str, Json]:
    """Return the schema of a mapping whose keys are fields of a dataclass."""
    types, said = get_type_hints(kind), _described(kind)
    properties: dict[str, Json] = {}
    for key in keys:
        if types.get(key) in _BY_TYPE:
            properties[key] = {**_BY_TYPE[types[key]]} | ({"description": said[key]} if key in said else {})
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _named(schema: dict[str, Json]) -> dict[str, Json]:
    """Return the schema of a mapping from ids of the educator's choice."""
    return {"type": "object", "minProperties": 1, "propertyNames": {**_ID}, "additionalProperties": schema}


def _properties(schema: Mapping[str, Json]) -> dict[str, Json]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return properties


def _summary(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _described(kind: type) -> dict[str, str]:
    """Return what a docstring's ``Args`` say of each field; several may share a line."""
    args = (inspect.getdoc(kind) or "").partition("Args:\n")[2]
    entries = re.findall(r"^    ([\w, ]+): (.+(?:\n {6,}.+)*)", args, re.MULTILINE)
    texts = {names: " ".join(text.split()) for names, text in entries}
    return {name: text[0].upper() + text[1:] for names, text in texts.items() for name in names.split(", ")}
