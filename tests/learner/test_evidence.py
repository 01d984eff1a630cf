"""Events and evidence survive a trip through the record; a question's name depends on what is computed alone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.evidence import Event, Evidence, question_hash, to_json
from microgpt.learner.store import Store

ANY_TEXT = st.text(st.characters() | st.just("\udce9"), max_size=20)  # a terminal can hand over half a surrogate pair
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
EVIDENCE = st.builds(
    Evidence,
    id=st.text(max_size=5),
    time=st.datetimes(timezones=st.just(UTC)),
    learner=st.just("ada"),
    course=st.just("microgpt"),
    insight=st.text(max_size=5),
    ask=st.text(max_size=5),
    question_hash=st.just("0" * 16),
    quote=ANY_TEXT,
    parsed=PLAIN,
    outcome=st.sampled_from(["right", "wrong", "gave_up", "recorded"]),
    misconceptions=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    hint_rung=st.integers(0, 5),
    options=st.sampled_from([0, 3, 4]),
    milliseconds=st.integers(0, 10**7),
    witnessed=st.booleans(),
)


@given(EVIDENCE)
def test_evidence_comes_back_from_the_record_word_for_word(evidence):
    event = Event(
        time=evidence.time, learner="ada", course="microgpt", lesson="x", kind="evidence", body=evidence.to_body()
    )
    with Store.in_memory() as store:
        with store.transaction("x") as tx:
            stored = tx.append(event)
        (read,) = store.events("x")
    assert read == stored
    assert Evidence.from_body(read.body) == evidence


@given(st.dictionaries(st.text(max_size=5), PLAIN, min_size=2, max_size=4), st.randoms())
def test_a_question_keeps_its_name_in_whatever_order_its_inputs_are_written(inputs, rng):
    names = list(inputs)
    rng.shuffle(names)
    assert question_hash("i", "f(x)", {name: inputs[name] for name in names}) == question_hash("i", "f(x)", inputs)


def test_a_question_is_named_by_each_of_its_three_parts():
    names = {
        question_hash("i", "f(x)", {"x": 1}),
        question_hash("j", "f(x)", {"x": 1}),
        question_hash("i", "g(x)", {"x": 1}),
        question_hash("i", "f(x)", {"x": 2}),
        question_hash("i", "f(x)", {"y": 1}),
    }
    assert len(names) == 5


def test_a_number_that_json_lacks_is_refused_rather_than_written_as_something_else():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})


def test_a_time_that_is_not_utc_is_a_mistake_of_ours():
    elsewhere = datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    event = Event(time=elsewhere, learner="ada", course="microgpt", lesson="x", kind="turn")
    with Store.in_memory() as store, pytest.raises(AssertionError, match="not UTC"), store.transaction("x") as tx:
        tx.append(event)
