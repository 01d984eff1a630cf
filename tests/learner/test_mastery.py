"""What moves mastery, and what never does; the formula agrees with an enumeration of every hidden path."""

import json
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise, permutations, product, takewhile
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.evidence import Evidence, Outcome
from microgpt.learner.mastery import CEILING, GUESS, LEARN, PRIOR, SLIP, Knowledge, mastered, observe, update

OPTIONS = st.sampled_from([0, 2, 3, 4, 5])
ANSWERS = st.fixed_dictionaries(
    {"right": st.booleans(), "assisted": st.booleans(), "question": st.sampled_from("abcdefghijkl"), "options": OPTIONS}
)
HISTORIES = st.lists(ANSWERS, max_size=30)


def learned(answers, start=None):
    return reduce(lambda knowledge, answer: update(knowledge, **answer), answers, start or Knowledge())


def unassisted(right, question="a", options=0):
    return {"right": right, "assisted": False, "question": question, "options": options}


def evidence(outcome: Outcome, question: str = "a", hint_rung: int = 0, options: int = 0) -> Evidence:
    return Evidence(
        id="e",
        time=datetime(2026, 1, 5, tzinfo=UTC),
        learner="ada",
        course="microgpt",
        insight="adam",
        ask="1",
        question_hash=question,
        quote="0.1",
        parsed=0.1,
        outcome=outcome,
        hint_rung=hint_rung,
        options=options,
    )


def probability_by_enumeration(answers, options):
    """P(knows after the last answer | answers), summed over every path of the paper's hidden Markov chain."""
    guess = 1 / options if options else GUESS
    seen = {True: (1 - SLIP, guess), False: (SLIP, 1 - guess)}
    total = {True: 0.0, False: 0.0}
    for path in product((True, False), repeat=len(answers) + 1):
        steps = list(pairwise(path))
        moves = prod({(0, 0): 1 - LEARN, (0, 1): LEARN, (1, 1): 1.0, (1, 0): 0.0}[step] for step in steps)
        emits = prod(seen[answer][0 if knows else 1] for answer, knows in zip(answers, path, strict=False))
        total[path[-1]] += (PRIOR if path[0] else 1 - PRIOR) * moves * emits
    return total[True] / (total[True] + total[False])


@given(st.lists(st.booleans(), max_size=8), OPTIONS)
def test_the_formula_agrees_with_summing_over_every_hidden_path(answers, options):
    expected = min(probability_by_enumeration(answers, options), CEILING)
    after_each = [probability_by_enumeration(answers[:n], options) for n in range(len(answers))]
    if all(p < CEILING for p in after_each):  # beyond it we depart from the paper, on purpose
        assert learned([unassisted(right, options=options) for right in answers]).p == pytest.approx(
            expected, rel=1e-12
        )


@given(HISTORIES, ANSWERS)
def test_only_a_right_answer_without_help_raises_the_probability_and_it_always_does_or_keeps_it(history, answer):
    before = learned(history)
    after = update(before, **answer)
    assert 0 < after.p < 1
    assert after.last_outcome == ("right" if answer["right"] else "wrong")
    if answer["right"] and not answer["assisted"]:
        assert after.p >= before.p
        assert set(after.right) - set(before.right) <= {answer["question"]}
    else:
        assert after.p <= before.p
        assert after.right == (before.right if answer["right"] else ())


@given(HISTORIES, ANSWERS)
def test_a_right_answer_with_help_moves_nothing_but_the_count(history, answer):
    before = learned(history)
    after = update(before, **answer | {"right": True, "assisted": True})
    assert (after.p, after.right, after.attempts) == (before.p, before.right, before.attempts + 1)


@given(st.floats(0.01, CEILING), st.floats(0.01, CEILING), ANSWERS)
def test_who_was_likelier_to_know_before_an_answer_is_no_less_likely_after_it(one, other, answer):
    low, high = sorted([one, other])
    assert update(Knowledge(p=low), **answer).p <= update(Knowledge(p=high), **answer).p


@given(HISTORIES, st.integers(2, 18))
def test_a_right_choice_among_more_options_says_no_less(history, options):
    before = learned(history)
    fewer, more, openly = (
        update(before, right=True, assisted=False, question="a", options=n).p for n in (options, options + 1, 0)
    )
    assert fewer <= more <= openly


@given(HISTORIES)
def test_nobody_masters_an_insight_without_two_different_questions_right_and_unassisted(history):
    """And since the last answer that was not right: who forgot it does not have it back by one lucky answer."""
    since = list(takewhile(lambda answer: answer["right"], reversed(history)))
    if len({answer["question"] for answer in since if not answer["assisted"]}) < 2:
        assert not mastered(learned(history))


@given(st.lists(ANSWERS, max_size=4))
def test_the_questions_remembered_do_not_depend_on_the_order_of_right_answers(history):
    history = [answer | {"right": True} for answer in history]
    assert len({learned(order).right for order in permutations(history)}) == 1


def test_the_questions_remembered_stay_few():
    many = learned([unassisted(True, question=f"{n:02}") for n in range(100)])
    assert many.right == tuple(f"{n:02}" for n in range(8))


@pytest.mark.parametrize(("options", "needed"), [(0, 2), (4, 4), (3, 4)])
def test_a_run_of_right_answers_masters_and_a_choice_takes_longer_as_it_can_be_guessed(options, needed):
    run = [unassisted(True, question=str(n), options=options) for n in range(needed)]
    assert mastered(learned(run))
    assert not mastered(learned(run[:-1]))


def test_the_same_question_right_ten_times_is_not_mastery():
    assert not mastered(learned([unassisted(True)] * 10))


def test_however_sure_we_were_wrong_answers_take_mastery_away():
    sure = learned([unassisted(True, question=str(n)) for n in range(200)])
    assert mastered(sure)
    assert not mastered(learned([unassisted(False)] * 2, start=sure))


@given(HISTORIES, st.integers(0, 5), OPTIONS)
def test_a_holdout_moves_nothing_at_all(history, hint_rung, options):
    before = learned(history)
    assert observe(before, evidence("recorded", hint_rung=hint_rung, options=options)) == before


@given(HISTORIES, OPTIONS)
def test_giving_up_counts_as_a_wrong_answer_whatever_hints_were_seen(history, options):
    before = learned(history)
    gave_up = observe(before, evidence("gave_up", hint_rung=5, options=options))
    assert gave_up == update(before, right=False, assisted=False, question="a", options=options)


@given(st.lists(st.builds(evidence, st.sampled_from(["right", "wrong", "gave_up"]), st.sampled_from("abc"),
                          st.integers(0, 2), OPTIONS), max_size=10))  # fmt: skip
def test_evidence_alone_gives_the_same_mastery_as_the_answers_did(pieces):
    answers = [
        {"right": e.outcome == "right", "assisted": e.hint_rung > 0, "question": e.question_hash, "options": e.options}
        for e in pieces
    ]
    assert reduce(observe, pieces, Knowledge()) == learned(answers)


@given(HISTORIES)
def test_knowledge_survives_being_written_as_json(history):
    knowledge = learned(history)
    assert Knowledge.from_body(json.loads(json.dumps(knowledge.to_body()))) == knowledge


def test_a_choice_of_one_is_a_mistake_of_ours():
    with pytest.raises(AssertionError, match="no question"):
        update(Knowledge(), right=True, assisted=False, question="a", options=1)
