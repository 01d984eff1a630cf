"""What a tool of the lesson, and a look back, cost: the same however long the record is.

Counted in SQLite's own steps and in events read, not in seconds.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgpt.insights.locked import Fault
from microgpt.learner.store import Store
from microgpt.tutor.session import current_state
from microgpt.tutor.standing import read_standing
from microgpt.tutor.tools import LessonTools, teachable

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
LESSON = "ada-microgpt"


class Counted(Store):
    """A store that counts what is asked of it."""

    steps = events_read = 0

    def count(self) -> None:
        self._db.set_progress_handler(self._step, 1)

    def _step(self) -> int:
        self.steps += 1
        return 0

    def events(self, lesson, after=0):
        for event in super().events(lesson, after):
            self.events_read += 1
            yield event

    def cost(self, call):
        before = self.steps, self.events_read
        answer = call()
        return (self.steps - before[0], self.events_read - before[1]), answer


def studied(store, acts):
    """Teach the whole course until it ends, one answer in three wrong; return the time then."""
    now = [MONDAY]
    tools = LessonTools(store, clock=lambda: now[0], heard=lambda quote: True, may_run=lambda: False)
    taught, turn = teachable("microgpt"), tools.start(learner="ada")
    for n in range(acts):
        now[0] += timedelta(minutes=1)
        ask = current_state(store, LESSON, *store.snapshot(LESSON)).ask
        if ask is None:
            turn = tools.next(LESSON, turn.ack)
        elif ask.exercise or ask.holdout:
            turn = tools.skip(LESSON, ask.ask_id)
        else:
            question = taught.questions(ask.insight)[ask.question]
            wrong = [answer for answer in question.answers.values() if not isinstance(answer, Fault)]
            answer = wrong[0] if n % 3 == 0 and wrong else question.key
            turn = tools.answer(LESSON, ask.ask_id, answer if isinstance(answer, str) else json.dumps(answer)).then
    return now[0]


def pad(store, count):
    """Repeat what happened until there are so many events; what they come to is left as it was."""
    events = list(store.events(LESSON))[1:]
    with store.transaction(LESSON) as tx:
        state, n = tx.state, 0
        while tx.seq < count:
            n += 1
            for event in events[: count - tx.seq]:
                tx.append(replace(event, seq=0, ask_id=event.ask_id and f"{event.ask_id}-{n}"))
        tx.save(state)


def at_question(tools, turn):
    """Go on until a question is open, and not an exercise."""
    while turn.ask is None or turn.move == "practise":
        turn = tools.skip(LESSON, turn.ask.ask_id) if turn.ask else tools.next(LESSON, turn.ack)
    return turn


def costs(store, now):
    """Return what each tool costs, and a look back, as (steps, events read)."""
    tools = LessonTools(store, clock=lambda: now, heard=lambda quote: True, may_run=lambda: False)
    cost = {}
    cost["start"], turn = store.cost(lambda: tools.start(learner="ada"))
    turn = at_question(tools, turn)
    ask = turn.ask.ask_id
    cost["next"], _ = store.cost(lambda: tools.next(LESSON))
    cost["hint"], _ = store.cost(lambda: tools.hint(LESSON, ask))
    cost["source"], _ = store.cost(lambda: tools.source(LESSON, "softmax"))
    cost["unparsed"], _ = store.cost(lambda: tools.answer(LESSON, ask, "(("))
    cost["answer"], graded = store.cost(lambda: tools.answer(LESSON, ask, turn.ask.example))
    assert graded.outcome != "unparsed"
    cost["contest"], _ = store.cost(lambda: tools.contest(LESSON, ask, "no"))
    for tool in ("skip", "reveal"):
        turn = at_question(tools, tools.next(LESSON))
        cost[tool], _ = store.cost(lambda tool=tool, ask=turn.ask.ask_id: getattr(tools, tool)(LESSON, ask))
    cost["tools.progress"], _ = store.cost(lambda: tools.progress(LESSON))
    cost["progress"], _ = store.cost(lambda: read_standing(store, "ada", "", now=now).to_json())
    return cost


@pytest.mark.slow
def test_every_tool_and_a_look_back_cost_the_same_after_many_events(tmp_path):
    found = []
    for count in (2_000, 20_000):
        with Counted.open(tmp_path / f"{count}.db") as store:
            now = studied(store, 60)
            pad(store, count)
            store.count()
            found.append(costs(store, now))
    few, many = found
    assert {events for _, events in (*few.values(), *many.values())} == {0}
    for tool, (steps, _) in many.items():
        assert steps == pytest.approx(few[tool][0], rel=0.01), tool
        assert steps < 20_000
