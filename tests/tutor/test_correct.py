"""An answer that is taken back counts as if it had never been given, however much came after it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.errors import ConfigError
from microgpt.insights.course import load_course
from microgpt.learner.answers import history
from microgpt.learner.mastery import Knowledge
from microgpt.learner.store import Store
from microgpt.tutor.correct import correct
from microgpt.tutor.fold import apply
from microgpt.tutor.session import current_state
from microgpt.tutor.standing import known_insights
from microgpt.tutor.state import LessonState
from microgpt.tutor.tools import LessonTools

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
LESSON = "ada-averages"
SAID = st.sampled_from(["right", "right", "reveal", "takes-the-middle", "one-of-many", "starts-at-the-first"])


def state_of(store):
    return current_state(store, LESSON, *store.snapshot(LESSON))


def checked_state(store):
    """Return the state, which must be the fold of the events."""
    folded = LessonState()
    for event in store.events(LESSON):
        folded = apply(folded, event)
    assert folded == state_of(store)
    return folded


def beliefs_ruled_out(store):
    """Return, by insight with an answer that stands, the beliefs that those answers have ruled out."""
    ruled_out = {}
    for answer in store.answers(LESSON):
        if answer.counts:
            before = ruled_out.get(answer.insight, set())
            ruled_out[answer.insight] = (before | {*answer.refutes}) - {*answer.misconceptions}
    return ruled_out


@settings(max_examples=15)
@given(said=st.lists(SAID, min_size=1, max_size=16), later=st.lists(SAID, max_size=2), data=st.data())
def test_what_is_known_afterwards_is_what_the_answers_that_stand_make_of_it(averages, study, said, later, data):
    with Store.in_memory() as store:
        now = study(store, averages, "ada", said, now=MONDAY)
        for _ in range(2):
            standing = store.answers(LESSON)
            if not standing:
                break
            victim = data.draw(st.sampled_from(standing))
            asked_before = state_of(store).ask
            correct(store, victim.id, "not mine", now=now)
            assert state_of(store).ask == asked_before  # the lesson goes on where it was
            assert victim not in store.answers(LESSON)
            state = checked_state(store)
            known = {answer.insight: knowledge for answer, knowledge in history(store.answers(LESSON))}
            assert all(insight.knowledge == known.get(name, Knowledge()) for name, insight in state.insights.items())
            ruled_out = beliefs_ruled_out(store)
            for name, insight in state.insights.items():
                beliefs = [belief.id for belief in load_course(averages).insights[name].misconceptions]
                left = [belief for belief in beliefs if belief not in ruled_out.get(name, beliefs)]
                assert [*insight.standing] == left
        study(store, averages, "ada", later, now=now)
        checked_state(store)


def test_what_a_placement_answer_implied_is_taken_back_with_it(averages, study):
    with Store.in_memory() as store:
        now = study(store, averages, "ada", ["right"], now=MONDAY)
        (answer,) = store.answers(LESSON)
        assert any(insight.shown for insight in state_of(store).insights.values())
        correct(store, answer.id, "my sister typed that", now=now)
        assert not any(insight.known for insight in checked_state(store).insights.values())
        (void,) = (event for event in store.events(LESSON) if event.kind == "void")
        assert void.body["reason"] == "my sister typed that"


def test_nothing_is_written_where_there_is_nothing_to_take_back(averages, study):
    with Store.in_memory() as store:
        now = study(store, averages, "ada", ["right"] * 2, now=MONDAY)
        first = store.answers(LESSON)[0]
        correct(store, first.id, "not mine", now=now)
        before = list(store.events(LESSON))
        for answer, why in ((first.id, "is void already"), ("ada-averages/0", "no answer"), ("nonsense", "no answer")):
            with pytest.raises(ConfigError, match=f"{why}.* Try: microgpt learner show"):
                correct(store, answer, "not mine", now=now)
        assert list(store.events(LESSON)) == before


def test_an_answer_that_only_measured_cannot_be_taken_back(averages, study):
    with Store.in_memory() as store:
        now = MONDAY
        while len(known_insights(store, "ada", load_course(averages))) < 3:  # not one answer more: measuring comes next
            now = study(store, averages, "ada", ["right"], now=now)
        tools = LessonTools(store, clock=lambda: now, heard=lambda quote: True, may_run=lambda: False)
        turn = tools.next(LESSON)
        while not (turn.ask and turn.ask.holdout):
            turn = tools.skip(LESSON, turn.ask.ask_id) if turn.ask else tools.next(LESSON, turn.ack)
        words = turn.ask.options[0] if turn.ask.options else "3"
        assert tools.answer(LESSON, turn.ask.ask_id, words).outcome == "recorded"
        with pytest.raises(ConfigError, match="only measured"):
            correct(store, f"{LESSON}/{turn.ask.ask_id}", "not mine", now=now)
