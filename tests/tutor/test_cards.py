"""Cards hold the answers that the learner was told: none of an open question, none that only measures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgpt.insights.course import load_course
from microgpt.learner.evidence import question_hash
from microgpt.learner.store import Store
from microgpt.tutor.cards import cards_of
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.standing import known_insights
from microgpt.tutor.tools import LessonTools, teachable

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
LESSON = "ada-averages"


@pytest.fixture
def questions(averages):
    """All questions of the course, by hash."""
    return {
        question_hash(insight, q.call or q.id, q.inputs): q
        for insight, locked in teachable(str(averages.resolve())).lock.insights.items()
        for q in locked.questions
    }


def test_there_is_a_card_for_each_question_answered_rightly_or_given_up_and_for_no_other(averages, study, questions):
    said = ["takes-the-middle", "right", "reveal", "one-of-many", "right", "right", "starts-at-the-first", "right"]
    with Store.in_memory() as store:
        study(store, averages, "ada", said, now=MONDAY)
        answers = [answer for answer in store.answers(LESSON) if not answer.exercise]
        told = {answer.question_hash for answer in answers if answer.outcome in ("right", "gave_up")}
        wrong = {answer.question_hash for answer in answers if answer.outcome == "wrong"} - told
        open_ = current_state(store, LESSON, *store.snapshot(LESSON)).ask
        cards = cards_of(store, "ada")
        assert cards_of(store, "bob") == []
    assert {card.guid for card in cards} == told - {open_.hash if open_ else ""}
    assert wrong
    assert len(cards) == len({card.guid for card in cards})
    for card in cards:
        question = questions[card.guid]
        assert card.back.startswith(f"{show(question.key)}\n")
        assert question.ask in card.front
        assert all(option in card.front for option in question.options)


def test_a_question_that_is_open_again_has_no_card_until_it_closes(averages, study):
    with Store.in_memory() as store:
        now, cards, again = MONDAY, set(), 0
        for _ in range(60):  # after days enough, every question comes again
            now = study(store, averages, "ada", ["right"], now=now + timedelta(days=30))
            ask = current_state(store, LESSON, *store.snapshot(LESSON)).ask
            held = {card.guid for card in cards_of(store, "ada")}
            if ask and ask.hash in cards:
                again += 1
                assert ask.hash not in held
            cards |= held
    assert again > 0


def test_a_question_that_only_measures_is_on_no_card_even_once_it_was_answered(averages, study, questions):
    with Store.in_memory() as store:
        now = MONDAY
        while len(known_insights(store, "ada", load_course(averages))) < 3:  # not one answer more: measuring comes next
            now = study(store, averages, "ada", ["right"], now=now)
        tools = LessonTools(store, clock=lambda: now, heard=lambda quote: True, may_run=lambda: False)
        turn, measured = tools.next(LESSON), 0
        while turn.move != "finish" or turn.ask:
            if turn.ask and turn.ask.holdout:
                measured += 1
                turn = tools.answer(LESSON, turn.ask.ask_id, turn.ask.options[0] if turn.ask.options else "3").then
            else:
                turn = tools.skip(LESSON, turn.ask.ask_id) if turn.ask else tools.next(LESSON, turn.ack)
        assert measured == 3
        assert not any(questions[card.guid].holdout for card in cards_of(store, "ada"))


def test_a_question_that_its_author_has_since_kept_for_measuring_is_on_no_card(averages, study, monkeypatch):
    with Store.in_memory() as store:
        study(store, averages, "ada", ["right", "reveal", "right"], now=MONDAY)
        before = cards_of(store, "ada")
        taught = teachable(str(averages.resolve()))
        kept = {
            name: replace(locked, questions=tuple(replace(q, holdout=True) for q in locked.questions))
            for name, locked in taught.lock.insights.items()
        }
        later = replace(taught, lock=replace(taught.lock, insights=kept))
        monkeypatch.setattr("microgpt.tutor.cards.teachable", lambda where: later)
        assert before
        assert cards_of(store, "ada") == []
