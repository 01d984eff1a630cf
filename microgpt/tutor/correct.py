"""How a graded answer is taken back, however old it is: a void, and what is known without it.

By a contest whose key was wrong (`LessonTools.contest`), or because the answer was never the learner's own, such as one
that somebody else typed (`correct`). The answer stays in the record, with the reason why it does not count.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

from microgpt.errors import ConfigError
from microgpt.learner.evidence import Event, Json, to_json
from microgpt.learner.store import Store
from microgpt.tutor.fold import apply
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState


def correct(store: Store, answer: str, reason: str, *, now: datetime) -> Event:
    """Void a graded answer and return the event that does.

    Args:
        answer: its id, such as ``me-microgpt/9f3a61``.
        reason: in the learner's words.
        now: UTC.

    Raises:
        ConfigError: there is no such answer, it is void already, or it only measures.
    """
    lesson, _, ask = answer.rpartition("/")
    if not store.answers(lesson):  # not even a record to write to, perhaps
        raise ConfigError(f"{answer!r} is the id of no answer. Try: microgpt learner show")
    with store.transaction(lesson) as tx:
        events = list(store.events(lesson))
        attempt = next((event for event in events if event.kind == "evidence" and event.ask_id == ask), None)
        void = {event.ask_id for event in events if event.kind == "void"}
        if attempt is None or ask in void:
            state = "is void already" if attempt else "is the id of no answer"
            raise ConfigError(f"{answer!r} {state}. Try: microgpt learner show")
        if attempt.body["outcome"] == "recorded":
            raise ConfigError(f"{answer!r} only measured, so there is nothing to take back. Try another answer.")
        body = json.loads(to_json(taken_back(events, ask, reason)))
        event = tx.append(
            Event(
                time=now,
                learner=attempt.learner,
                course=attempt.course,
                lesson=lesson,
                kind="void",
                ask_id=ask,
                body=body,
            )
        )
        tx.save(current_state(store, lesson, tx.state, tx.state_seq).to_json())
    return event


def taken_back(events: Sequence[Event], ask: str, reason: str) -> dict[str, Json]:
    """Return the body of the void of a lesson's answer: why, and what is known if it had never been given."""
    void = {ask, *(event.ask_id for event in events if event.kind == "void")}
    return {"reason": reason, "state": reduce(apply, _without(events, void), LessonState()).to_json()}


def _without(events: Iterable[Event], void: set[str]) -> Iterable[Event]:
    """Yield a lesson's events as they were if void answers had never been given."""
    for event in events:
        if event.kind == "evidence" and event.ask_id in void:
            yield replace(event, kind="skip", body={"outcome": "void"})
        elif event.kind != "void":
            yield event
