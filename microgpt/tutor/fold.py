"""How events make a lesson's state: a pure fold, so that the state can be rebuilt from the record at any time.

`apply` is the only place where an event changes anything. It needs no course: an event carries what must be known
about it. The store keeps the folded state beside the events, so that a turn costs the same after 100,000 of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from microgpt.learner.evidence import Event, Evidence
from microgpt.learner.mastery import observe
from microgpt.learner.review import schedule
from microgpt.tutor.state import ClosedAsk, InsightState, LessonState, OpenAsk, Plan, open_ask

NEW_SITTING = timedelta(hours=1)  # a longer silence ends a sitting
CLOSED_KEPT = 8  # closed asks that can still be contested, or answered once more by a resent message
ASKED_KEPT = 30  # questions remembered an insight, so that fresh ones are asked first


def apply(state: LessonState, event: Event) -> LessonState:
    """Return the state after one more event.

    The bodies, by kind:

        start       goal, minutes, where
        turn        plan
        ack         turn
        ask         the fields of `OpenAsk`
        hint        rung
        unparsed    quote, options
        evidence    the fields of `Evidence`; credited, why_not; settles, whether it spares the learner the insight, and
                    implies, what else; refutes, and beliefs, all there are (misconceptions); of an exercise its id
        skip        outcome: skipped or abandoned; void only where `correct` works out what is known without an answer
        reveal
        void        reason; state, as it would be without the answer
    """
    state = rested(state, event.time)
    state = replace(state, learner=event.learner, course=event.course, last_time=event.time.isoformat())
    body = cast(Mapping[str, Any], event.body)
    match event.kind:
        case "start":
            state = _seated(state, event.time)
            return replace(state, goal=body["goal"], minutes=body["minutes"], where=body["where"])
        case "turn":
            return _turn(state, body)
        case "ack":
            return _ack(state, body)
        case "ask":
            return replace(state, ask=open_ask(body))
        case "hint" if state.ask:
            return replace(state, ask=replace(state.ask, rung=body["rung"]))
        case "reveal" if state.ask:
            return state
        case "unparsed" if state.ask:
            quotes = (*state.ask.unparsed, body["quote"])
            return replace(state, ask=replace(state.ask, unparsed=quotes, options=tuple(body["options"])))
        case "evidence" if state.ask:
            return _evidence(state, state.ask, body)
        case "skip" if state.ask:
            return _skip(state, state.ask, body["outcome"])
        case "void":
            without = LessonState.from_json(body["state"])
            return replace(state, insights=without.insights, closed=without.closed)
        case _:
            raise AssertionError(f"event {event.seq} ({event.kind}) cannot follow here")


def rested(state: LessonState, now: datetime) -> LessonState:
    """Return the state as it is at a time: after a long silence, a new sitting begins."""
    if not state.last_time or now - datetime.fromisoformat(state.last_time) <= NEW_SITTING:
        return state
    return _seated(state, now)


def _seated(state: LessonState, now: datetime) -> LessonState:
    """Begin a new sitting, with what was set aside in the last one."""
    insights = {name: replace(insight, passes=0, tries=0) for name, insight in state.insights.items()}
    return replace(state, reviews=0, sat_down=now.isoformat(), insights=insights)


def _turn(state: LessonState, body: Mapping[str, Any]) -> LessonState:
    plan = Plan(**body["plan"])
    state = replace(state, turn=state.turn + 1, plan=plan, said=False)
    if plan.move == "place":
        return replace(state, placements=state.placements + 1)
    if plan.move == "review":
        return replace(state, reviews=state.reviews + 1)
    return state


def _ack(state: LessonState, body: Mapping[str, Any]) -> LessonState:
    """A turn was said: only now has anything been explained."""
    if body["turn"] != state.turn or state.plan is None:
        return state
    state, plan, insight = replace(state, said=True), state.plan, state.insight(state.plan.insight)
    if plan.move == "explain":
        return _with(state, plan.insight, _spend(replace(insight, explained=True, worked=True), plan.worked))
    if plan.move == "demonstrate":
        return _with(state, plan.insight, replace(insight, worked=True))
    return state


def _evidence(state: LessonState, ask: OpenAsk, body: Mapping[str, Any]) -> LessonState:
    evidence = Evidence.from_body({key: body[key] for key in Evidence.__dataclass_fields__})
    before, now = state.insight(ask.insight), evidence.time
    knowledge = before.knowledge if ask.exercise else observe(before.knowledge, evidence)
    right = evidence.outcome == "right"
    closed = ClosedAsk(
        ask_id=ask.ask_id,
        insight=ask.insight,
        question=ask.question,
        exercise=ask.exercise,
        outcome=evidence.outcome,
        quote=evidence.quote,
        parsed=evidence.parsed,
        misconceptions=evidence.misconceptions,
        credited=body["credited"],
        why_not=body["why_not"],
        holdout=ask.holdout,
    )
    if ask.exercise:
        possible = evidence.misconceptions or before.possible
        return _close(_with(state, ask.insight, replace(before, practised=True, possible=possible)), closed)
    if evidence.outcome == "recorded":
        after = replace(before, holdouts=(*before.holdouts, now.isoformat()))
        return _close(_with(state, ask.insight, after), closed)
    plan = cast(Plan, state.plan)
    refuted = _without(tuple(dict.fromkeys((*before.refuted, *body["refutes"]))), evidence.misconceptions)
    after = replace(
        _answered(before, plan, evidence.outcome, now),
        knowledge=knowledge,
        shown=(before.shown or (plan.move == "place" and body.get("settles", closed.credited))) and right,
        possible=_without(evidence.misconceptions or before.possible, body["refutes"]),
        refuted=refuted,
        standing=_without(tuple(body.get("beliefs", ())), refuted),
        confronted=(*before.confronted, plan.belief) if plan.belief else before.confronted,
    )
    after = _settle(after, plan.move, right, now)
    closed = replace(closed, mastered=after.mastered and not before.mastered)
    state = _with(state, ask.insight, after)
    for name in cast(list[str], body["implies"]):  # what a right placement answer needs is shown as well
        implied = state.insight(name)
        if not implied.placed:
            state = _with(state, name, _settle(replace(implied, shown=True, placed=True), "place", True, now))
    return _close(state, closed)


def _without(beliefs: tuple[str, ...], others: Collection[str]) -> tuple[str, ...]:
    return tuple(belief for belief in beliefs if belief not in others)


def _settle(insight: InsightState, move: str, right: bool, now: datetime) -> InsightState:
    """Date the next review: from the first time that the insight is known, and at every review."""
    if move == "review" or (insight.known and insight.card is None):
        return replace(insight, card=schedule(insight.card, right=right, now=now))
    return insight


def _answered(insight: InsightState, plan: Plan, outcome: str, now: datetime) -> InsightState:
    insight = replace(
        insight,
        placed=True,
        predicted=insight.predicted or plan.move != "place",
        last=outcome,
        passes=insight.passes + 1 if outcome in ("skipped", "gave_up") else 0,
        tries=insight.tries + 1,
        worked=False,
        seen=now.isoformat(),
    )
    return _spend(insight, plan.question)


def _spend(insight: InsightState, question: str) -> InsightState:
    """Remember that a question was used, so that fresh ones come first."""
    rest = tuple(q for q in insight.asked if q != question)
    return replace(insight, asked=(*rest, question)[-ASKED_KEPT:]) if question else insight


def _skip(state: LessonState, ask: OpenAsk, outcome: str) -> LessonState:
    insight = state.insight(ask.insight)
    closed = ClosedAsk(
        ask_id=ask.ask_id,
        insight=ask.insight,
        question=ask.question,
        exercise=ask.exercise,
        outcome=outcome,
        holdout=ask.holdout,
    )
    now = datetime.fromisoformat(state.last_time)
    if ask.exercise:
        insight = replace(insight, practised=True)
    elif ask.holdout:  # not answered is measured too
        insight = replace(insight, holdouts=(*insight.holdouts, now.isoformat()))
    elif outcome == "skipped":
        insight = _answered(insight, cast(Plan, state.plan), outcome, now)
    else:  # neutral, but hints on it may have been read, so that another question comes first
        insight = _spend(replace(insight, last="void") if outcome == "void" else insight, ask.question)
    return _close(_with(state, ask.insight, insight), closed)


def _close(state: LessonState, closed: ClosedAsk) -> LessonState:
    return replace(state, ask=None, closed=(*state.closed, closed)[-CLOSED_KEPT:])


def _with(state: LessonState, name: str, insight: InsightState) -> LessonState:
    return replace(state, insights={**state.insights, name: insight})
