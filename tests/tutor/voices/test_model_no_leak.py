"""What a model is sent before a question closes does not depend on its key: the whole requests, at a real server.

From the same history, with that key alone changed, the turn is worded and messages are answered, the model calls every
tool that it has, and two or three answers are no answers: each request is the same, byte for byte, headers included.
"""

from dataclasses import asdict, replace

import pytest

from microgpt.insights.locked import Fault
from microgpt.learner.evidence import Event
from microgpt.learner.profile import Profile
from microgpt.tutor.render import show
from microgpt.tutor.state import OpenAsk, Plan
from microgpt.tutor.tools import teachable
from microgpt.tutor.voices.model import ModelVoice
from microgpt.tutor.voices.prompt import digest, instructions

TAUGHT = teachable("microgpt")
ADA = Profile(id="ada", name="Ada", language="de")
FEW = 1  # insights; the others are for those who have the time
INSIGHTS = [
    pytest.param(name, marks=() if n < FEW else pytest.mark.slow) for n, name in enumerate(TAUGHT.lock.insights)
]


def other_value(key):
    if isinstance(key, list):
        return [other_value(item) for item in key]
    return f"{key}x" if isinstance(key, str) else key + 0.75


def swapped(question, spared: str):
    """Yield the question with its key and a belief's answer exchanged, unless the belief is said to be wrong here."""
    for rival in (question.answers[belief] for belief in question.shows):
        if not isinstance(rival, Fault) and rival != question.answers.get(spared) and show(rival) != show(question.key):
            exchange = {show(question.key): rival, show(rival): question.key}
            answers = {
                belief: answer if isinstance(answer, Fault) else exchange.get(show(answer), answer)
                for belief, answer in question.answers.items()
            }
            yield replace(question, key=rival, answers=answers)


def open_room(classroom, tool, taught, move: str, insight: str, question, belief: str = ""):
    """Return a classroom in which a move asks a question."""
    room = classroom(taught)
    plan = Plan(move=move, insight=insight, question=question.id, belief=belief, why="first", n=1, of=1)
    name, hashed = "one", tool.question_hash(insight, question.call or question.id, question.inputs)
    opened = OpenAsk(ask_id=name, insight=insight, question=question.id, hash=hashed, asked=tool.monday.isoformat())
    bodies = [
        ("start", "", {"goal": "", "minutes": 0, "where": "microgpt"}),
        ("turn", "", {"plan": asdict(plan)}),
        ("ask", name, asdict(opened)),
    ]
    with room.store.transaction(room.lesson) as tx:
        for kind, ask_id, body in bodies:
            made = Event(
                kind=kind,
                ask_id=ask_id,
                body=body,
                time=tool.monday,
                learner="ada",
                course="microgpt",
                lesson=room.lesson,
            )
            tx.append(made)
    return room


def sent(server, wire, act, room, *, nonsense: int) -> list:
    """Return all that a model's server gets while the question is open, whatever the model tries."""
    server.requests.clear()
    server.headers.clear()
    lesson = {"lesson": room.lesson}
    tries = [
        ("source", {**lesson, "symbol": "softmax"}),
        ("progress", lesson),
        ("evaluate", {**lesson, "code": "1"}),
        ("contest", {**lesson, "ask_id": "one", "reason": "?"}),
        ("answer", {**lesson, "ask_id": "one", "quote": "0.5", "value": "0.25"}),
        ("answer", {**lesson, "ask_id": "one", "quote": "cannot"}),
    ]
    voice = ModelVoice(wire, (instructions(), digest(TAUGHT.course)), room.tools, sleep=lambda seconds: None)
    turn = room.tools.next(room.lesson)
    voice(turn, ADA)
    server.script.extend(act.say("", call) for call in tries[:3])
    voice.reply("how does it go? 0.5?", turn, ADA)
    server.script.extend(act.say("", call) for call in tries[3:])
    voice.reply("I cannot tell", turn, ADA)
    for n in range(nonsense):
        room.tools.answer(room.lesson, turn.ask.ask_id, f"nonsense {'?' * n}!")
    voice.reply("so?", room.tools.next(room.lesson), ADA)
    headers = [{k: v for k, v in head.items() if k.lower() != "idempotency-key"} for head in server.headers]
    assert len(server.requests) > 6
    return [*zip(server.requests, headers)]


@pytest.mark.parametrize("insight", INSIGHTS)
def test_until_a_question_closes_every_request_is_the_same_whatever_its_key(server, act, classroom, tool, insight):
    wire = server.wire()
    asked = [question for question in TAUGHT.questions(insight).values() if not question.holdout][:1]
    for question in asked:
        moves = [("ask", ""), ("place", ""), *[("confront", belief) for belief in question.shows[:1]]]
        for move, belief in moves:

            def requests(changed, nonsense, question=question, move=move, belief=belief):
                taught = tool.with_question(TAUGHT, insight, question.id, key=changed.key, answers=changed.answers)
                room = open_room(classroom, tool, taught, move, insight, question, belief)
                return sent(server, wire, act, room, nonsense=nonsense)

            lie = replace(question, key=other_value(question.key))
            assert requests(lie, 2) == requests(question, 2)
            for changed in [*swapped(question, belief)][:1]:
                assert requests(changed, 3) == requests(question, 3)


def test_a_request_does_change_with_what_is_asked_so_that_the_test_above_could_fail(server, act, classroom, tool):
    insight = next(iter(TAUGHT.lock.insights))
    one, two = [question for question in TAUGHT.questions(insight).values() if not question.holdout][:2]
    rooms = (open_room(classroom, tool, TAUGHT, "ask", insight, question) for question in (one, two))
    wire = server.wire()
    first, second = (sent(server, wire, act, room, nonsense=2) for room in rooms)
    assert first != second
