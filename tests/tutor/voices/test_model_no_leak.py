"""What any voice gets before an ask closes does not depend on its key: the whole requests, at a real server.

From the same history, with that key alone changed, the turn is worded and messages are answered, the model calls every
tool that it has, and two or three answers are no answers: each request is the same, byte for byte, headers included,
and so is all that the built-in voice says. Of every insight that is every kind of ask: a question of each kind in each
move, what only measures, and each kind of exercise. `tests/tutor/test_no_leak.py` has every question of the course.
"""

from dataclasses import asdict, replace
from functools import partial

import pytest

from microgpt.insights.locked import Fault
from microgpt.insights.question import shape_of
from microgpt.learner.evidence import Event
from microgpt.learner.profile import Profile
from microgpt.tutor.hints import RUNGS
from microgpt.tutor.render import options_of, options_of_exercise, show
from microgpt.tutor.state import OpenAsk, Plan
from microgpt.tutor.tools import teachable
from microgpt.tutor.voices import offline
from microgpt.tutor.voices.model import ModelVoice
from microgpt.tutor.voices.prompt import digest, instructions

TAUGHT = teachable("microgpt")
ADA = Profile(id="ada", name="Ada", language="de")
QUICK = "held-out-loss-tells"  # it has few kinds of asks; the others are for those who have the time
INSIGHTS = [pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in TAUGHT.lock.insights]


def other_value(key):
    if isinstance(key, list):
        return [other_value(item) for item in key]
    return f"{key}x" if isinstance(key, str) else key + 0.75


def negated(key):
    return [negated(item) for item in key] if isinstance(key, list) else -1000 * key - 1


def other_keys(question):
    """Yield the question with another key of the same shape: what is answered with, its sign and how long it is."""
    if question.kind == "choice":
        yield from (replace(question, key=option) for option in question.options if option != question.key)
        return
    yield replace(question, key=other_value(question.key))
    if question.kind != "text":
        yield replace(question, key=negated(question.key))
    if question.any_length:  # then the length is a part of the answer
        longer = [*question.key, question.key[-1]]
        yield replace(question, key=longer, shape=(len(longer), *question.shape[1:]))


def swapped(question, spared: str):
    """Yield the question with its key and a belief's answer exchanged, unless the belief is said to be wrong here."""
    for rival in (question.answers[belief] for belief in question.shows):
        if not isinstance(rival, Fault) and rival != question.answers.get(spared) and show(rival) != show(question.key):
            exchange = {show(question.key): rival, show(rival): question.key}
            answers = {
                belief: answer if isinstance(answer, Fault) else exchange.get(show(answer), answer)
                for belief, answer in question.answers.items()
            }
            shape = shape_of(rival) if question.kind == "list" else question.shape
            yield replace(question, key=rival, answers=answers, shape=shape)


def other_exercises(exercise):
    """Yield the exercise with another key."""
    match exercise.kind:
        case "hunt":
            last = exercise.start + len(exercise.lines)
            others = [n for n in range(exercise.start, last) if n not in exercise.key]
            yield replace(exercise, key=others[-1:], answer=f"line {others[-1]}")
            yield replace(exercise, key=others[:2], answer=f"line {others[0]} or {others[1]}")
        case "experiment":
            for verdict in exercise.options:
                yield replace(exercise, key=verdict, answer=f"{verdict}; the loss differed by -1 (-2 to -1)")
        case "blank":
            yield replace(exercise, key="8 * top + rest", answer="8 * top + rest")
        case _:
            yield replace(exercise, answer="\n".join([*exercise.lines[:-1], "    return 8"]))


def open_room(classroom, tool, taught, plan: Plan, ask: OpenAsk):
    """Return a classroom in which a move asks something."""
    room = classroom(taught, may_run=True)
    bodies = [
        ("start", "", {"goal": "", "minutes": 0, "where": "microgpt"}),
        ("turn", "", {"plan": asdict(plan)}),
        ("ask", ask.ask_id, asdict(ask)),
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


def said(room, *, nonsense: int) -> list[object]:
    """Return all that the built-in voice says while the ask is open, its first three hints included."""
    tools, lesson = room.tools, room.lesson
    turn = tools.next(lesson)
    ask = turn.ask.ask_id
    heard = [turn.to_json(), offline.word(turn, ADA), offline.word_code(turn), offline.word_progress(room.progress())]
    if not turn.ask.holdout:
        heard += [offline.word_hint(tools.hint(lesson, ask)) for _ in range(RUNGS - 2)]
    for n in range(nonsense):
        graded = tools.answer(lesson, ask, "(" * (n + 1))
        assert graded.outcome == "unparsed"
        heard += [graded.to_json(), offline.word_graded(graded, ADA), offline.word(graded.then, ADA)]
    return heard


def sent(server, wire, act, room) -> list[object]:
    """Return all that a model's server gets while the ask is open, whatever the model tries."""
    server.requests.clear()
    server.headers.clear()
    lesson, turn = {"lesson": room.lesson}, room.tools.next(room.lesson)
    ask = {**lesson, "ask_id": turn.ask.ask_id}
    tries = [
        ("source", {**lesson, "symbol": "softmax"}),
        ("progress", lesson),
        ("evaluate", {**lesson, "code": "1"}),
        ("contest", {**ask, "reason": "?"}),
        ("answer", {**ask, "quote": "0.5", "value": "0.25"}),
        ("answer", {**ask, "quote": "cannot"}),
    ]
    voice = ModelVoice(wire, (instructions(), digest(TAUGHT.course)), room.tools, sleep=lambda seconds: None)
    spoken = [voice(turn, ADA)]
    server.script.extend(act.say("", call) for call in tries[:3])
    spoken.append(voice.reply("how does it go? 0.5?", turn, ADA))
    server.script.extend(act.say("", call) for call in tries[3:])
    spoken.append(voice.reply("I cannot tell", turn, ADA))
    server.script.clear()
    headers = [{k: v for k, v in head.items() if k.lower() != "idempotency-key"} for head in server.headers]
    assert len(server.requests) > 6 or (turn.ask.holdout and not server.requests)
    return [*zip(server.requests, headers), *spoken]


def asks_of(insight: str):
    """Yield a plan for every kind of ask of an insight, and the question or the exercise that it asks."""
    moves, seen = ["predict", "place", "review", "ask"], set[tuple[str, bool]]()
    for question in TAUGHT.questions(insight).values():
        if (question.kind, question.holdout) in seen:
            continue
        seen.add((question.kind, question.holdout))
        plan = Plan(move="finish", insight=insight, question=question.id, holdout=question.holdout, n=1, of=1)
        if question.holdout:
            yield plan, question
            continue
        for move in moves:
            yield replace(plan, move=move, why="first"), question
        moves = ["ask"]  # of the other kinds this one
        for belief in question.shows[:1]:
            yield replace(plan, move="confront", belief=belief, n=0, of=0), question
    kinds = {exercise.kind: exercise for exercise in TAUGHT.exercises(insight).values()}
    for exercise in kinds.values():
        yield Plan(move="practise", insight=insight, exercise=exercise.id), exercise


def told_otherwise(tool, plan: Plan, asked):
    """Yield what is taught with the key of an ask changed, and after how many answers that are none it may be told."""
    if plan.exercise:
        for other in other_exercises(asked):
            taught = replace(TAUGHT)
            taught._made[plan.insight] = {plan.exercise: other}
            yield taught, 3
        return
    with_key = partial(tool.with_question, TAUGHT, plan.insight, asked.id)
    for changed in other_keys(asked):
        yield with_key(key=changed.key, shape=changed.shape), 3 if asked.kind == "choice" else 2
    for changed in swapped(asked, plan.belief):
        yield with_key(key=changed.key, answers=changed.answers, shape=changed.shape), 3


def opened(plan: Plan, asked, tool) -> OpenAsk:
    name, time, options = "ab12", tool.monday.isoformat(), ()
    if plan.exercise:
        hashed = tool.question_hash(plan.insight, asked.id, {"task": asked.task, "lines": asked.lines})
        options = options_of_exercise(asked, name)
    else:
        hashed = tool.question_hash(plan.insight, asked.call or asked.id, asked.inputs)
        options = options_of(asked, name) if asked.kind == "choice" else ()
    return OpenAsk(
        ask_id=name,
        insight=plan.insight,
        question=plan.question,
        exercise=plan.exercise,
        hash=hashed,
        asked=time,
        options=options,
        holdout=plan.holdout,
    )


@pytest.mark.parametrize("insight", INSIGHTS)
def test_until_it_closes_all_that_a_voice_gets_is_the_same_whatever_the_key(server, act, classroom, tool, insight):
    wire = server.wire()
    for plan, asked in asks_of(insight):
        ask = opened(plan, asked, tool)
        nonsense_is_an_answer = not plan.exercise and asked.kind == "text"

        def room(taught, plan=plan, ask=ask):
            return open_room(classroom, tool, taught, plan, ask)

        otherwise = list(told_otherwise(tool, plan, asked))
        counts = {0} if nonsense_is_an_answer else {most for _, most in otherwise}
        truth = {count: said(room(TAUGHT), nonsense=count) for count in counts}
        for taught, most in otherwise:
            nonsense = 0 if nonsense_is_an_answer else most
            assert said(room(taught), nonsense=nonsense) == truth[nonsense]
        taught, _ = otherwise[len(asked.id) % len(otherwise)]  # one of them: what is sent is made of what is said above
        assert sent(server, wire, act, room(taught)) == sent(server, wire, act, room(TAUGHT))


def test_a_request_does_change_with_what_is_asked_so_that_the_test_above_could_fail(server, act, classroom, tool):
    insight = next(iter(TAUGHT.lock.insights))
    one, two = [question for question in TAUGHT.questions(insight).values() if not question.holdout][:2]
    plans = [Plan(move="ask", insight=insight, question=question.id, why="first") for question in (one, two)]
    rooms = [
        open_room(classroom, tool, TAUGHT, plan, opened(plan, question, tool))
        for plan, question in zip(plans, (one, two))
    ]
    wire = server.wire()
    first, second = (sent(server, wire, act, room) for room in rooms)
    assert first != second
