"""The schema that editors check with refuses only what the parser refuses, and knows every key."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from microgpt.content import content_folder
from microgpt.errors import CourseError
from microgpt.insights.insight import INSIGHT_KEYS, parse_insight
from microgpt.insights.schema import course_schema, insight_schema

BUNDLED = content_folder("curriculum")
COURSES = [*BUNDLED.glob("*/course.yaml"), Path(__file__).parent / "fixtures" / "averages" / "course.yaml"]
INSIGHTS = sorted(path for course in COURSES for path in course.parent.glob("*-*.md"))
SCHEMA = Draft202012Validator(insight_schema())
VALUES = st.sampled_from([None, True, 0, -1, 2, 0.5, "", "  ", "word", [], ["a"], ["a", "a"], [1], {}, {"a": "b"}])


@cache
def read(path: Path) -> tuple[dict[str, Any], str]:
    _, keys, body = path.read_text().split("---\n", 2)
    return yaml.safe_load(keys), body


def keys_of(path: Path) -> tuple[dict[str, Any], str]:
    """Return the keys and the text of a page, to be changed at will."""
    return deepcopy(read(path))


def parses(keys: dict[str, Any], body: str) -> bool:
    try:
        parse_insight(f"---\n{json.dumps(keys, ensure_ascii=False)}\n---\n{body}", "x.md")  # JSON is YAML too
    except CourseError:
        return False
    return True


@pytest.mark.parametrize("noun", ["insight", "course"])
def test_what_is_shipped_is_what_is_made_from_the_types(noun: str) -> None:
    made = {"insight": insight_schema, "course": course_schema}[noun]()
    Draft202012Validator.check_schema(made)
    assert json.loads((BUNDLED / f"{noun}.schema.json").read_text()) == made, (
        f"Try: microgpt course schema {noun} > curriculum/{noun}.schema.json"
    )


@pytest.mark.parametrize("path", INSIGHTS, ids=lambda path: path.stem)
def test_every_insight_that_we_have_passes(path: Path) -> None:
    assert not list(SCHEMA.iter_errors(keys_of(path)[0]))


@pytest.mark.parametrize("path", COURSES, ids=lambda path: path.parent.name)
def test_every_course_that_we_have_passes(path: Path) -> None:
    assert not list(Draft202012Validator(course_schema()).iter_errors(yaml.safe_load(path.read_text())))


@given(path=st.sampled_from(INSIGHTS), key=st.sampled_from([*INSIGHT_KEYS, "clam"]), value=VALUES)
def test_one_value_of_another_type_is_refused_by_schema_and_parser_alike(path: Path, key: str, value: object) -> None:
    keys, body = keys_of(path)
    keys[key] = value
    if not SCHEMA.is_valid(keys):
        assert not parses(keys, body)
    elif key not in ("questions", "misconceptions", "call", "keep"):  # which several keys together can break
        assert parses(keys, body) or "options" in keys or key == "ask"


@given(
    path=st.sampled_from(INSIGHTS),
    key=st.sampled_from(["belief", "mutant", "counter", "reply", "mutent", "holdout", "ask", "right", "wrong"]),
    value=VALUES,
    section=st.sampled_from(["questions", "misconceptions"]),
)
def test_within_a_question_or_a_misconception_it_refuses_nothing_that_parses(
    path: Path, key: str, value: object, section: str
) -> None:
    keys, body = keys_of(path)
    first = next(iter(keys[section]))
    keys[section][first] = {**keys[section][first], key: value}
    assert SCHEMA.is_valid(keys) or not parses(keys, body)


def test_every_key_says_what_it_is_for() -> None:
    properties = insight_schema()["properties"]
    assert isinstance(properties, dict)
    assert properties.keys() == set(INSIGHT_KEYS)
    assert all(isinstance(value, dict) and value.get("description") for value in properties.values())


def test_an_unknown_key_of_a_misconception_is_refused() -> None:
    keys, _ = keys_of(INSIGHTS[0])
    first = next(iter(keys["misconceptions"]))
    keys["misconceptions"][first]["mutent"] = "- a\n+ b"
    assert not SCHEMA.is_valid(keys)
