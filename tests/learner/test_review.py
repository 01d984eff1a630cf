"""Review dates: the same evidence gives the same dates, success pushes them out, failure pulls them in."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate

import pytest
from fsrs import Card, Rating, Scheduler
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.review import due, schedule

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
GAPS = st.lists(st.tuples(st.floats(0, 90), st.booleans()), min_size=1, max_size=8)  # days since the last, right or not


def scheduled(answers):
    times = list(accumulate((timedelta(days=days) for days, _ in answers), initial=NOW))[1:]
    card = None
    for now, (_, right) in zip(times, answers, strict=True):
        card = schedule(card, right=right, now=now)
    return card, times[-1]


def days_until_due(card, now):
    return (datetime.fromisoformat(card["due"]) - now) / timedelta(days=1)


@given(GAPS)
def test_the_same_answers_give_the_same_card_and_json_does_not_change_it(answers):
    card, now = scheduled(answers)
    assert scheduled(answers) == (card, now)
    read = json.loads(json.dumps(card))
    assert schedule(read, right=True, now=now) == schedule(card, right=True, now=now)


@given(GAPS)
def test_nothing_is_due_on_the_day_it_was_answered_and_everything_is_in_the_end(answers):
    card, now = scheduled(answers)
    assert days_until_due(card, now) >= 1
    assert days_until_due(card, now) == int(days_until_due(card, now))
    assert not due(card, now=now)
    assert due(card, now=datetime.fromisoformat(card["due"]))


@given(GAPS)
def test_a_right_answer_is_never_repeated_sooner_than_a_wrong_one(answers):
    card, now = scheduled(answers)
    later = now + timedelta(days=3)
    right, wrong = (schedule(card, right=right, now=later) for right in (True, False))
    assert days_until_due(right, later) >= days_until_due(wrong, later)


def test_answers_that_come_when_due_are_spaced_ever_wider():
    gaps, card, now = [], None, NOW
    for _ in range(5):
        card = schedule(card, right=True, now=now)
        gaps.append(days_until_due(card, now))
        now = datetime.fromisoformat(card["due"])
    assert gaps == sorted(set(gaps))


def test_the_dates_are_those_of_fsrs_itself():
    fsrs, card, ours, now = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False), Card(), None, NOW
    for right in (True, True, False, True):
        card, _ = fsrs.review_card(card, Rating.Good if right else Rating.Again, now)
        ours = schedule(ours, right=right, now=now)
        assert ours["due"] == card.due.isoformat()
        now = card.due + timedelta(days=1)


@pytest.mark.parametrize("hours", [-8, 5.5])
def test_a_moment_is_the_same_wherever_its_clock_stands(hours):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=hours)))
    assert schedule(None, right=True, now=elsewhere) == schedule(None, right=True, now=NOW)
