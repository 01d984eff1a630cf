"""A mistake is what answers point at; right answers rule it out, and nothing else does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.answers import Answer, history
from microgpt.learner.evidence import Evidence
from microgpt.learner.mastery import Knowledge, observe
from microgpt.learner.mistakes import find_mistakes

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BELIEFS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3).map(tuple)


def answer(n, *, insight="i", outcome="right", wrong=(), right=(), rung=0, exercise=""):
    return Answer(
        id=f"l/{n}",
        time=NOW + timedelta(minutes=n),
        insight=insight,
        question_hash=str(n % 3),
        outcome=outcome,
        quote=f"I say {n}",
        misconceptions=tuple(wrong),
        refutes=tuple(right),
        assisted=rung > 0,
        options=0,
        witnessed=True,
        exercise=exercise,
    )


@st.composite
def answers(draw):
    out = []
    for n in range(draw(st.integers(0, 12))):
        is_right = draw(st.booleans())
        beliefs = draw(BELIEFS)
        out.append(
            answer(
                n,
                insight=draw(st.sampled_from(["i", "j"])),
                outcome="right" if is_right else draw(st.sampled_from(["wrong", "gave_up", "recorded"])),
                wrong=() if is_right else beliefs,
                right=beliefs if is_right else (),
                rung=draw(st.sampled_from([0, 0, 2])),
                exercise=draw(st.sampled_from(["", "", "hunt/x"])),
            )
        )
    return out


@given(answers())
def test_each_belief_has_all_the_answers_that_point_at_it_and_the_right_ones_since(given_):
    found = {(mistake.insight, mistake.misconception): mistake for mistake in find_mistakes(given_)}
    pointed = {(one.insight, belief) for one in given_ for belief in one.misconceptions}
    assert found.keys() == pointed
    for (insight, belief), mistake in found.items():
        signs = [one for one in given_ if one.insight == insight and belief in one.misconceptions]
        assert list(mistake.signs) == signs
        assert mistake.recurs == (len(signs) > 1)
        since = [one for one in given_ if one.time > signs[-1].time and one.insight == insight]
        assert mistake.ruled_out == sum(belief in one.refutes for one in since)


@given(answers())
def test_what_nothing_speaks_against_comes_first_and_then_what_recurs_most(given_):
    order = [(mistake.ruled_out > 0, -len(mistake.signs)) for mistake in find_mistakes(given_)]
    assert order == sorted(order)


@given(answers())
def test_the_history_of_answers_is_that_of_the_evidence(given_):
    known = {}
    for one in given_:
        if not one.exercise:
            evidence = Evidence(
                id=one.id,
                time=one.time,
                learner="ada",
                course="c",
                insight=one.insight,
                ask="",
                question_hash=one.question_hash,
                quote=one.quote,
                parsed=None,
                outcome=one.outcome,
                hint_rung=2 if one.assisted else 0,
            )
            known[one.insight] = observe(known.get(one.insight, Knowledge()), evidence)
    last = {one.insight: knowledge for one, knowledge in history(given_)}
    assert last == {name: knowledge for name, knowledge in known.items() if knowledge != Knowledge()}
