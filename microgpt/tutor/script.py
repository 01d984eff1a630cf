"""A teaching script: rules over a fixed vocabulary of facts and moves, read from ``script.yaml``; the first match wins.

A rule says `when` certain facts hold, `do` a move. What a move is about (which insight, which question) is chosen by
`policy`, so that a script is short and cannot break the record.

    rules:
      - {when: {reviews_due: ">= 1"}, do: review}
      - {when: {last: [wrong, gave_up], worked: false}, do: demonstrate}
      - {do: ask}
"""

import dataclasses
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from microgpt.insights.strict_yaml import Document, nearest, read_yaml
from microgpt.tutor.turns import MOVES, Move

LAST: tuple[str, ...] = ("none", "right", "wrong", "gave_up", "skipped", "void")
_KEYS = ("format", "id", "title", "placement", "tries", "rules")
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
_COMPARISON = re.compile(r"(<=|>=|==|<|>)\s*(\d+)")

Fact = bool | int | str
Condition = bool | int | str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The vocabulary: everything a script may ask about a lesson.

    About the lesson:
        reviews_due: insights whose review date has come.
        reviews_done: reviews asked in this sitting.
        placing: whether some insight's standing is unknown, and a question could settle it.
        placements: placement questions asked so far.
        practised: whether there is nothing to practise: the last question was not about an insight that is mastered, or
            that insight has had its exercise, or gives none.
        slipped: whether the exercise just done fits a belief that has not met its counter-example yet.
        nothing_left: whether all of the plan is known or set aside for another sitting, or the learner's time is up.
        holdouts_left: questions kept for measuring that may be asked now.
        beginner: whether nothing has been answered rightly and without help yet.

    About the insight in focus, the first of the plan that is neither known nor set aside:
        last: how its last question ended: none, right, wrong, gave_up, skipped, void.
        counter: whether the last wrong answer fits a belief that has not met its counter-example yet.
        worked: whether a worked example has been shown since the last question.
        predicted: whether a question about it has been asked since placement.
        explained: whether it has been explained.
        likely: whether it is new, but probably known, since most of those met so far were; and one question can tell.
    """

    reviews_due: int = 0
    reviews_done: int = 0
    placing: bool = False
    placements: int = 0
    practised: bool = True
    slipped: bool = False
    nothing_left: bool = False
    holdouts_left: int = 0
    beginner: bool = True
    last: str = "none"
    counter: bool = False
    worked: bool = False
    predicted: bool = False
    explained: bool = False
    likely: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When all conditions hold, do the move. A text condition such as ``>= 1`` compares a count."""

    when: Mapping[str, Condition]
    do: Move

    def holds(self, facts: Facts) -> bool:
        return all(_holds(cast(Fact, getattr(facts, name)), wanted) for name, wanted in self.when.items())


@dataclass(frozen=True, kw_only=True)
class Script:
    """A teaching script.

    Args:
        placement: the most placement questions that a lesson begins with.
        tries: questions about an insight after which it is left for another sitting; no script goes beyond ten.
    """

    id: str
    title: str
    placement: int
    tries: int = 10
    rules: tuple[Rule, ...]

    def choose(self, facts: Facts) -> Move:
        """Return the move of the first rule that holds; the last rule of a script always does."""
        return next(rule.do for rule in self.rules if rule.holds(facts))


def parse_script(text: str, path: str) -> Script:
    """Read a script strictly.

    Args:
        path: the file, as the user would name it; only errors use it.

    Raises:
        CourseError: with the line of the first thing that is wrong.
    """
    doc = read_yaml(text, path=path)
    for key in doc.data:
        if key not in _KEYS:
            raise doc.error(key, f"unknown key {key!r}. {nearest(key, _KEYS)}")
    if doc.data.get("format") != 1:
        raise doc.error("format", f"the format {doc.data.get('format')!r} is not known here. Try  format: 1")
    for key in ("id", "title"):
        if not isinstance(doc.data.get(key), str):
            raise doc.error(key, f"a script needs a text as its {key}. Try  {key}: my-way")
    placement, rules = doc.data.get("placement", 0), doc.data.get("rules")
    if isinstance(placement, bool) or not isinstance(placement, int) or placement < 0:
        raise doc.error("placement", f"placement counts questions, not {placement!r}. Try  placement: 7")
    tries = doc.data.get("tries", Script.tries)
    if isinstance(tries, bool) or not isinstance(tries, int) or not 1 <= tries <= Script.tries:
        raise doc.error("tries", f"tries counts questions about an insight, 1 to 10, not {tries!r}. Try  tries: 10")
    if not isinstance(rules, list) or not rules:
        raise doc.error("rules", "a script needs rules. Try  rules: [{do: ask}]")
    parsed = tuple(_rule(doc, f"rules.{i}", rule) for i, rule in enumerate(rules))
    always = [i for i, rule in enumerate(parsed) if not rule.when]
    if not always:
        raise doc.error(f"rules.{len(rules) - 1}", "the last rule must hold always. Try {do: ask} after it.")
    if always[0] < len(parsed) - 1:
        raise doc.error(f"rules.{always[0]}", "it always holds, so no rule below is ever met. Try it as the last one.")
    return Script(id=str(doc.data["id"]), title=str(doc.data["title"]), placement=placement, tries=tries, rules=parsed)


def _rule(doc: Document, key: str, rule: object) -> Rule:
    if not isinstance(rule, dict) or not {"do"} <= set(cast(dict[str, object], rule)) <= {"when", "do"}:
        raise doc.error(key, "a rule is {when: {fact: value}, do: move}. Try {do: ask}.")
    fields = cast(dict[str, object], rule)
    move, when = fields["do"], fields.get("when", {})
    if move not in tuple(MOVES):  # it may be a list, which no mapping looks up
        raise doc.error(f"{key}.do", f"no move {move!r}. {nearest(str(move), list(MOVES))}")
    if not isinstance(when, dict):
        raise doc.error(f"{key}.when", "`when` needs facts. Try  when: {placing: true}")
    conditions = cast(dict[str, object], when)
    return Rule(
        when={name: _condition(doc, f"{key}.when.{name}", name, value) for name, value in conditions.items()},
        do=move,
    )


def _condition(doc: Document, key: str, name: str, value: object) -> Condition:
    """Return a condition that fits the fact's type."""
    defaults: dict[str, Fact] = dataclasses.asdict(Facts())
    types = {name: type(default) for name, default in defaults.items()}
    if name not in types:
        raise doc.error(key, f"no fact {name!r}. {nearest(name, list(types))}")
    if types[name] is bool and isinstance(value, bool):
        return value
    if types[name] is int and isinstance(value, str) and _COMPARISON.fullmatch(value):
        return value
    if types[name] is str and isinstance(value, str | list):
        return tuple(
            _last(doc, key, item) for item in ([value] if isinstance(value, str) else cast(list[object], value))
        )
    example = {bool: "true", int: '">= 1"', str: "[wrong, gave_up]"}[types[name]]
    raise doc.error(key, f"{name} cannot be {value!r}. Try  {name}: {example}")


def _last(doc: Document, key: str, value: object) -> str:
    if value not in LAST:
        raise doc.error(key, f"no question ends {value!r}. {nearest(str(value), LAST)}")
    return str(value)


def _holds(fact: Fact, wanted: Condition) -> bool:
    if isinstance(wanted, tuple):
        return fact in wanted
    if isinstance(wanted, str):
        match = _COMPARISON.fullmatch(wanted)
        assert match is not None, wanted  # parse_script let it in
        return _COMPARISONS[match[1]](cast(int, fact), int(match[2]))
    return fact == wanted
