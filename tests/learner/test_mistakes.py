"""A mistake is what answers point at; right answers rule it out, and nothing else does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.answers import Answer, history
from microgpt.learner.evidence import Event, Evidence
from microgpt.learner.mastery import Knowledge, observe
from microgpt.learner.store import Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BELIEFS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3).map(tuple)


def answer(n, *, insight="i", outcome="right", wrong=(), right=(), rung=0, exercise="", witnessed=True):
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
        witnessed=witnessed,
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
                witnessed=draw(st.booleans()),
            )
        )
    return out


def keep(store, given_):
    """Write answers as a lesson does; return them as they are read back."""
    with store.transaction("l") as tx:
        for one in given_:
            tx.append(evidence(one))
    return store.answers("l")


def evidence(one):
    body = {
        "insight": one.insight,
        "question_hash": one.question_hash,
        "outcome": one.outcome,
        "quote": one.quote,
        "misconceptions": list(one.misconceptions),
        "refutes": list(one.refutes),
        "hint_rung": 2 if one.assisted else 0,
        "options": 0,
        "witnessed": one.witnessed,
    }
    body |= {"exercise": one.exercise} if one.exercise else {}
    return event(one.id.split("/")[1], one.time, "evidence", body)


def event(ask, time, kind, body):
    return Event(time=time, learner="ada", course="c", lesson="l", kind=kind, ask_id=ask, body=body)


def check(store, standing):
    """Compare what was counted as it came with what the answers that stand come to, counted here and now."""
    mistakes, heard = store.mistakes("l"), store.heard("l")
    found = {(mistake.insight, mistake.misconception): mistake for mistake in mistakes}
    assert len(mistakes) == len(found)
    assert found.keys() == {(one.insight, belief) for one in standing for belief in one.misconceptions}
    for (insight, belief), mistake in found.items():
        signs = [one for one in standing if one.insight == insight and belief in one.misconceptions]
        assert (mistake.signs, list(mistake.latest)) == (len(signs), signs[-3:])
        assert mistake.recurs == (len(signs) > 1)
        since = [one for one in standing if one.time > signs[-1].time and one.insight == insight]
        assert mistake.ruled_out == sum(belief in one.refutes for one in since)
    order = [(mistake.ruled_out > 0, -mistake.signs) for mistake in mistakes]
    assert order == sorted(order)
    counting = [one for one in standing if one.counts]
    assert heard.keys() == {one.insight for one in counting}
    for insight, counts in heard.items():
        of = [one for one in counting if one.insight == insight]
        assert counts.witnessed == sum(one.witnessed for one in of)
        assert counts.reported == len(of) - counts.witnessed
        assert counts.wrong == sum(one.outcome == "wrong" for one in of)


@given(answers(), st.data())
def test_what_is_counted_as_answers_come_and_are_taken_back_is_what_all_that_stand_come_to(given_, data):
    with Store.in_memory() as store:
        assert keep(store, given_) == given_
        check(store, given_)
        standing = list(given_)
        for _ in range(data.draw(st.integers(0, 2))):
            if standing:
                victim = standing.pop(data.draw(st.integers(0, len(standing) - 1)))
                with store.transaction("l") as tx:
                    tx.append(event(victim.id.split("/")[1], NOW + timedelta(days=1), "void", {"reason": "not mine"}))
                check(store, standing)
        later = [replace(one, id=f"l/{n}", time=NOW + timedelta(days=2, minutes=n)) for n, one in enumerate(given_, 50)]
        keep(store, later)
        check(store, [*standing, *later])


def test_another_lessons_answers_are_not_counted():
    with Store.in_memory() as store:
        keep(store, [answer(1, outcome="wrong", wrong=["a"]), answer(2, outcome="wrong", wrong=["a"])])
        with store.transaction("other") as tx:
            tx.append(replace(evidence(answer(3, outcome="wrong", wrong=["a"])), lesson="other"))
            tx.append(replace(event("3", NOW, "void", {"reason": ""}), lesson="other"))
        assert store.mistakes("other") == []
        assert [mistake.signs for mistake in store.mistakes("l")] == [2]


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
