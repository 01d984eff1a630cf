"""A script is read strictly, its vocabulary is documented, and no script leads a lesson astray."""

import dataclasses
import inspect
import random
import re
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.content import content_folder
from microgpt.errors import CourseError
from microgpt.learner.store import Store
from microgpt.tutor import render, tools
from microgpt.tutor.script import LAST, Facts, Rule, Script, parse_script
from microgpt.tutor.tools import default_script
from microgpt.tutor.turns import Move
from tests.tutor.conftest import short_course

HEAD = "format: 1\nid: mine\ntitle: My way\nplacement: 3\n"
MOVES = get_args(Move)


def read(rules, head=HEAD):
    return parse_script(f"{head}rules:\n{rules}", "mine.yaml")


def test_the_first_rule_that_holds_decides():
    script = read("""
  - {when: {reviews_due: '>= 1', reviews_done: '< 2'}, do: review}
  - {when: {placing: true}, do: place}
  - {when: {last: [wrong, gave_up], worked: false}, do: demonstrate}
  - {do: ask}
""")
    assert script.choose(Facts()) == "ask"
    assert script.choose(Facts(placing=True)) == "place"
    assert script.choose(Facts(placing=True, reviews_due=1)) == "review"
    assert script.choose(Facts(placing=True, reviews_due=1, reviews_done=2)) == "place"
    assert [script.choose(Facts(last=last)) for last in ("wrong", "right")] == ["demonstrate", "ask"]
    assert script.choose(Facts(last="wrong", worked=True)) == "ask"


@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        ("  - {do: aks}\n", 6, "no move 'aks'. Try ask."),
        ("  - {do: [ask]}\n", 6, "no move"),
        ("  - {when: {plasing: true}, do: ask}\n  - {do: ask}\n", 6, "no fact 'plasing'. Try placing."),
        ("  - {do: place, when: {placing: true}}\n  - {when: {review_due: '>= 1'}, do: review}\n  - {do: ask}\n", 7,
         "Try reviews_due."),
        ("  - {when: {reviews_due: 1}, do: review}\n  - {do: ask}\n", 6, 'Try  reviews_due: ">= 1"'),
        ("  - {when: {reviews_due: 'many'}, do: review}\n  - {do: ask}\n", 6, "cannot be 'many'"),
        ("  - {when: {placing: 1}, do: place}\n  - {do: ask}\n", 6, "Try  placing: true"),
        ("  - {when: {placing: 'true'}, do: place}\n  - {do: ask}\n", 6, "Try  placing: true"),
        ("  - {when: {last: 3}, do: ask}\n  - {do: ask}\n", 6, "Try  last: [wrong, gave_up]"),
        ("  - {when: {last: [right, wrogn]}, do: ask}\n  - {do: ask}\n", 6, "no question ends 'wrogn'. Try wrong."),
        ("  - {when: {last: abandoned}, do: ask}\n  - {do: ask}\n", 6, "no question ends 'abandoned'"),
        ("  - {when: , do: ask}\n", 6, "`when` needs facts"),
        ("  - {when: {placing: true}}\n  - {do: ask}\n", 6, "a rule is"),
        ("  - {do: ask, then: finish}\n", 6, "a rule is"),
        ("  - ask\n", 6, "a rule is"),
        ("  - {do: ask, do: finish}\n", 6, "twice"),
        ("  - {when: {placing: true}, do: place}\n  - {when: {worked: true}, do: ask}\n", 7, "must hold always"),
        ("  - {do: ask}\n  - {when: {placing: true}, do: place}\n  - {do: finish}\n", 6, "always holds"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_is_told_with_its_line_and_what_to_try(rules, line, words):
    with pytest.raises(CourseError) as error:
        read(rules)
    assert (error.value.path, error.value.line) == ("mine.yaml", line)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        (HEAD.replace("format: 1", "format: 2"), 1, "format 2 is not known"),
        (HEAD.replace("title: My way", "titel: My way"), 3, "Try title."),
        (HEAD.replace("id: mine", "id: 7"), 2, "text as its id"),
        (HEAD.replace("title: My way\n", ""), 1, "text as its title"),
        (HEAD.replace("placement: 3", "placement: -1"), 4, "counts questions"),
        (HEAD.replace("placement: 3", "placement: true"), 4, "counts questions"),
        (HEAD.replace("placement: 3", "placement: few"), 4, "counts questions"),
    ],
)
def test_a_mistake_above_the_rules_is_told_with_its_line(head, line, words):
    with pytest.raises(CourseError) as error:
        read("  - {do: ask}\n", head)
    assert (error.value.line, words in str(error.value)) == (line, True)


@pytest.mark.parametrize("rules", ["rules: []", "rules: {do: ask}", "rules:", ""])
def test_a_script_without_rules_is_refused(rules):
    with pytest.raises(CourseError, match="a script needs rules"):
        parse_script(HEAD + rules, "mine.yaml")


def test_every_fact_and_every_move_is_documented_and_no_other():
    """One after the other, at the places where an author of a script looks them up."""
    assert set(re.findall(r"^ {4}(\w+): ", inspect.getdoc(Facts), re.M)) == {
        fact.name for fact in dataclasses.fields(Facts)
    }
    assert set(re.findall(r"^    (\w+) {2,}\S", render.__doc__, re.M)) - {"always"} == set(MOVES)
    said = re.search(r"last: how its last question ended: ([\w, ]+)\.", Facts.__doc__)[1]
    assert tuple(said.split(", ")) == LAST
    assert set(LAST) - {"none"} >= {"right", "wrong", "gave_up", "skipped", "void"}


def test_the_bundled_script_uses_every_move_and_no_rule_of_it_is_dead():
    script = default_script()
    assert {rule.do for rule in script.rules} == set(MOVES)
    text = (content_folder("skills") / "microgpt-tutor" / "script.yaml").read_text()
    assert parse_script(text, "script.yaml") == script
    rng, met = random.Random(1), set()
    for _ in range(20000):
        facts = draw_facts(rng)
        met.add(next(i for i, rule in enumerate(script.rules) if rule.holds(facts)))
    assert met == set(range(len(script.rules)))


def draw_facts(rng):
    values = {
        field.name: rng.random() < 0.5 if field.type in (bool, "bool") else rng.randrange(3)
        for field in dataclasses.fields(Facts)
        if field.name != "last"
    }
    return Facts(**values, last=rng.choice(LAST))


# ---- any script at all

CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        field.name: (
            st.sets(st.sampled_from(LAST), min_size=1).map(tuple)
            if field.name == "last"
            else st.booleans()
            if field.type in (bool, "bool")
            else st.builds(
                lambda sign, n: f"{sign} {n}", st.sampled_from(["<", "<=", ">", ">=", "=="]), st.integers(0, 3)
            )
        )
        for field in dataclasses.fields(Facts)
    },
)
RULES = st.lists(st.builds(lambda when, do: Rule(when=when, do=do), CONDITIONS, st.sampled_from(MOVES)), max_size=6)
SCRIPTS = st.builds(
    lambda rules, last, most: Script(id="x", title="X", placement=most, rules=(*rules, Rule(when={}, do=last))),
    RULES, st.sampled_from(MOVES), st.integers(0, 4),
)  # fmt: skip


def act(room, turn, rng):
    ask = turn.ask.ask_id
    kind = rng.choice(["right", "right", "wrong", "skip", "reveal", "week", "hint"])
    if kind == "skip" or (turn.ask.holdout and kind in ("reveal", "hint")):
        return room.skip(ask)
    if kind == "week":
        room.now = room.now.replace(year=room.now.year + 1)
        return room.next()
    if kind == "reveal":
        return room.reveal(ask).then
    if kind == "hint":
        room.hint(ask)
    if kind == "wrong" and turn.move == "practise":
        return room.answer(ask, str(room.exercise(turn).start)).then
    if kind == "wrong":
        shape = room.question(turn).shape
        return room.answer(ask, str([-7] * shape[0] if shape else -7)).then
    return room.right(turn).then


@pytest.fixture(scope="module")
def any_classroom(classroom_class):
    """Makes classrooms that follow a script; one fixture for all examples, as hypothesis asks for."""
    short = short_course()
    with pytest.MonkeyPatch.context() as patch:

        def make(script):
            patch.setattr(tools, "default_script", lambda: script)
            patch.setattr(tools, "teachable", lambda where: short)
            return classroom_class(Store.in_memory(), short)

        yield make


@pytest.mark.slow
@settings(max_examples=25)
@given(script=SCRIPTS, seed=st.integers(0, 2**20))
def test_no_script_crashes_or_leads_into_a_dead_end(any_classroom, script, seed):
    """After any acts whatever, a turn can be answered, or said and left behind; then, all right, there is an end."""
    rng, room = random.Random(seed), any_classroom(script)
    turn = room.start()
    for _ in range(15):
        if turn.ask:
            turn = act(room, turn, rng)
        elif turn.move == "finish":
            break
        else:
            after = room.next(turn.ack)
            assert after.turn == turn.turn + 1
            turn = after
    ended = room.run(lambda room, turn: room.right(turn).then, most=80)
    assert ended[-1].move == "finish"


@pytest.mark.parametrize("move", MOVES)
def test_a_script_of_one_move_alone_comes_to_an_end_with_any_learner(any_classroom, move):
    for learner in (lambda room, turn: room.right(turn).then, lambda room, turn: room.skip(turn.ask.ask_id)):
        room = any_classroom(Script(id="x", title="X", placement=2, rules=(Rule(when={}, do=move),)))
        assert room.run(learner)[-1].move == "finish"
