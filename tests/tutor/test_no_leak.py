"""What is said before a question closes does not depend on its key.

From the same history, with that key alone changed, every byte that a voice gets stays the same: the turn that asks, the
first three hints, what is said to nonsense, the choice that the third nonsense makes, the source, the progress, and
which question is asked at all. Hints four and five, asked for on purpose, are the exception.
"""

import json
from dataclasses import asdict, replace

import pytest

from microgpt.errors import LessonError
from microgpt.insights.locked import Fault
from microgpt.insights.question import shape_of
from microgpt.learner.evidence import Event, Evidence
from microgpt.learner.store import Store
from microgpt.tutor.hints import RUNGS
from microgpt.tutor.render import options_of, show
from microgpt.tutor.state import OpenAsk, Plan
from microgpt.tutor.tools import teachable
from tests.tutor.conftest import short_course

TAUGHT = short_course()
EVERY = [(name, question.id) for name, insight in TAUGHT.lock.insights.items() for question in insight.questions]
NONSENSE = ("what?", "hm", "I really cannot say")


def other_value(key):
    return [other_value(item) for item in key] if isinstance(key, list) else key + 0.75


def given_keys(question):
    """Yield the question with another key: each other option, or another value, another sign, another length."""
    if question.kind == "choice":
        yield from (replace(question, key=option) for option in question.options if option != question.key)
    elif question.kind == "text":
        yield replace(question, key=f"{question.key}x")
    else:
        yield replace(question, key=other_value(question.key))
        yield replace(question, key=opposite(question.key))
        if question.any_length:
            longer = [*question.key, question.key[-1]]
            yield replace(question, key=longer, shape=shape_of(longer))


def opposite(key):
    return [opposite(item) for item in key] if isinstance(key, list) else -1000 * key - 1


def rivals(question, spared):
    """Yield the answers of beliefs that could be the key, less that of a belief which is said to be wrong here."""
    for belief in question.shows:
        answer = question.answers[belief]
        if not isinstance(answer, Fault) and answer != question.answers.get(spared):
            yield answer


def other_keys(question, spared=""):
    """Yield the question with another key of the same shape: any, and what each belief would answer."""
    yield from given_keys(question)
    for answer in rivals(question, spared):
        yield replace(question, key=answer)


def swapped_keys(question, spared=""):
    """Yield the question with its key and a belief's answer exchanged: the same options, another one right."""
    for rival in rivals(question, spared):
        if show(rival) != show(question.key):
            answers = {
                belief: question.key if answer == rival else rival if answer == question.key else answer
                for belief, answer in question.answers.items()
            }
            yield replace(question, key=rival, answers=answers)


def room_at(classroom, tool, move, insight, question, belief=""):
    """Return a classroom in which a wrong answer has been given, and a move then asks the question."""
    room, time = classroom(TAUGHT), tool.monday
    earlier = next(q for q in TAUGHT.questions(insight).values() if not q.holdout and q.id != question.id)
    counted = move in ("place", "review", "finish")
    first = Plan(move="place", insight=insight, question=earlier.id, n=1, of=3)
    second = Plan(move=move, insight=insight, question=question.id, belief=belief, holdout=question.holdout)
    second = replace(second, why="first", n=int(counted), of=int(counted), just="one")
    with room.store.transaction(room.lesson) as tx:

        def append(kind, ask_id, body):
            tx.append(
                Event(
                    kind=kind, ask_id=ask_id, body=body, time=time, learner="ada", course="microgpt", lesson=room.lesson
                )
            )

        def ask(name, plan, asked):
            hashed = tool.question_hash(insight, asked.call, asked.inputs)
            append("turn", "", {"plan": asdict(plan)})
            options = options_of(asked, name) if asked.kind == "choice" else ()
            opened = OpenAsk(ask_id=name, insight=insight, question=asked.id, hash=hashed, asked=time.isoformat())
            append("ask", name, asdict(replace(opened, holdout=asked.holdout, options=options)))
            return hashed

        append("start", "", {"goal": "", "minutes": 0, "where": "microgpt"})
        hashed, quote = ask("one", first, earlier), tool.said_to(earlier, belief)
        possible = tuple(name for name in earlier.shows if name == belief)
        evidence = Evidence(
            id="one", time=time, learner="ada", course="microgpt", insight=insight, ask="one", question_hash=hashed,
            quote=quote, parsed=json.loads(quote), outcome="wrong", misconceptions=possible,
        )  # fmt: skip
        verdict = {"credited": False, "why_not": "", "implies": [], "refutes": []}
        append("evidence", "one", {**evidence.to_body(), **verdict})
        ask("two", second, question)
    return room


def heard_before_it_closes(room, *, nonsense=NONSENSE):
    """Return all bytes that a voice can get while the question is open, without asking for half of it."""
    turn = room.tools.next(room.lesson)
    heard = [turn, room.tools.next(room.lesson, turn.ack), room.progress(), room.tools.source(room.lesson, "softmax")]
    if not turn.ask.holdout:
        heard += [room.tools.hint(room.lesson, turn.ask.ask_id) for _ in range(RUNGS - 2)]
    for quote in nonsense:
        heard.append(room.tools.answer(room.lesson, turn.ask.ask_id, quote))
    for call in (
        lambda: room.tools.answer(room.lesson, turn.ask.ask_id, "hm", "0.1234"),
        lambda: room.tools.contest(room.lesson, turn.ask.ask_id, "?"),
        lambda: room.tools.evaluate(room.lesson, "1"),
    ):
        with pytest.raises(LessonError) as refused:
            call()
        heard.append(str(refused.value))
    heard.append(room.tools.next(room.lesson))
    return [json.dumps(said if isinstance(said, str) else said.to_json()).encode() for said in heard]


def moves_for(insight, question):
    if question.holdout:
        return [("finish", "")]
    confronts = [("confront", belief) for belief in question.shows]
    return [("place", ""), ("predict", ""), ("ask", ""), ("review", ""), *confronts]


@pytest.mark.slow
@pytest.mark.parametrize(("insight", "name"), EVERY, ids=["/".join(pair) for pair in EVERY])
def test_until_it_closes_nothing_said_depends_on_the_key(classroom, tool, insight, name):
    question = TAUGHT.questions(insight)[name]
    for move, belief in moves_for(insight, question):

        def heard(changed, nonsense, move=move, belief=belief):
            room = room_at(classroom, tool, move, insight, question, belief)
            room = classroom(
                tool.with_question(TAUGHT, insight, name, key=changed.key, answers=changed.answers), store=room.store
            )
            return heard_before_it_closes(room, nonsense=nonsense)

        truth = heard(question, NONSENSE[:2])
        assert heard(next(given_keys(question)), NONSENSE[:2]) == truth
        truth = heard(question, NONSENSE)
        for changed in swapped_keys(question, belief):
            assert heard(changed, NONSENSE) == truth


WHOLE = teachable("microgpt")


@pytest.mark.slow
@pytest.mark.parametrize("insight", WHOLE.lock.insights)
def test_of_no_question_of_the_course_does_what_is_said_depend_on_the_key(classroom, tool, insight):
    """Each question in one move, with its key of another value, another sign, another length, and a belief's."""
    for n, question in enumerate(WHOLE.questions(insight).values()):
        moves = moves_for(insight, question)
        move, belief = moves[n % len(moves)]

        def heard(changed, nonsense, question=question, move=move, belief=belief):
            room = open_room(classroom, tool, insight, question, move, belief)
            fields = {"key": changed.key, "answers": changed.answers, "shape": changed.shape}
            told = tool.with_question(WHOLE, insight, question.id, **fields)
            return heard_before_it_closes(classroom(told, store=room.store), nonsense=("(", "((", "(((")[:nonsense])

        few, most = (0, 0) if question.kind == "text" else (2, 3)  # any word is an answer to some
        truth = {count: heard(question, count) for count in {few, most}}
        for changed in given_keys(question):
            assert heard(changed, few) == truth[few]
        for changed in [*whole_swaps(question, belief)][:2]:
            assert heard(changed, most) == truth[most]


def whole_swaps(question, belief):
    for swapped in swapped_keys(question, belief):
        yield replace(swapped, shape=shape_of(swapped.key) if question.kind == "list" else question.shape)


def open_room(classroom, tool, insight, question, move, belief):
    """Return a classroom of the whole course in which a move asks the question, the first of the lesson."""
    room, time, counted = classroom(WHOLE), tool.monday, int(move in ("place", "review", "finish"))
    plan = Plan(move=move, insight=insight, question=question.id, belief=belief, holdout=question.holdout, why="first")
    hashed = tool.question_hash(insight, question.call or question.id, question.inputs)
    options = options_of(question, "two") if question.kind == "choice" else ()
    ask = OpenAsk(ask_id="two", insight=insight, question=question.id, hash=hashed, asked=time.isoformat())
    bodies = {
        "start": {"goal": "", "minutes": 0, "where": "microgpt"},
        "turn": {"plan": asdict(replace(plan, n=counted, of=counted))},
        "ask": asdict(replace(ask, holdout=question.holdout, options=options)),
    }
    with room.store.transaction(room.lesson) as tx:
        for kind, body in bodies.items():
            who = {"learner": "ada", "course": "microgpt", "lesson": room.lesson}
            tx.append(Event(kind=kind, ask_id="two" if kind == "ask" else "", body=body, time=time, **who))
    return room


def test_every_swap_above_makes_a_choice_somewhere(classroom, tool):
    """Else the third nonsense would have been looked at for nothing."""
    swaps = [
        (i, q)
        for i, q in EVERY
        if list(swapped_keys(TAUGHT.questions(i)[q])) and options_of(TAUGHT.questions(i)[q], "x")
    ]
    assert len(swaps) > len(EVERY) / 2


@pytest.mark.slow
@pytest.mark.parametrize("answers", ["right", "mixed", "wrong"])
def test_which_question_comes_next_does_not_depend_on_its_key(classroom, tool, answers):
    """A whole lesson, each step taken again from the same record, with the key of the question it opens changed."""
    room, asked = classroom(TAUGHT), set()
    turn, steps = room.start(), []
    while turn.move != "finish" or turn.ask:
        before = len(room.log)
        if turn.ask is None:
            call = ("next", turn.ack)
        elif turn.move == "practise":
            call = ("answer", turn.ask.ask_id, tool.solution(room.exercise(turn)))
        elif answers == "right" or (answers == "mixed" and turn.turn % 2) or turn.ask.holdout:
            call = ("answer", turn.ask.ask_id, tool.said(turn, room.question(turn).key))
        else:
            question = room.question(turn)
            call = ("answer", turn.ask.ask_id, tool.said_to(question, question.shows[turn.turn % len(question.shows)]))
        said = getattr(room, call[0])(*call[1:])
        turn = said.then if call[0] == "answer" else said
        if (
            turn.ask
            and turn.move != "practise"
            and (opened := (turn.say["insight"], room.question(turn).id)) not in asked
        ):
            asked.add(opened)
            steps.append((before, call, said, opened))
    assert len(steps) > 4
    for before, call, said, (insight, name) in steps:
        for changed in other_keys(TAUGHT.questions(insight)[name], belief_of(said)):
            store = Store.in_memory()
            with store.transaction(room.lesson) as tx:
                for event in room.log[:before]:
                    tx.append(replace(event, seq=0))
            again = classroom(tool.with_question(TAUGHT, insight, name, key=changed.key), store=store)
            assert getattr(again.tools, call[0])(room.lesson, *call[1:]).to_json() == said.to_json()


def belief_of(said):
    """Return the belief that a confrontation says to be wrong."""
    say = getattr(said, "then", said).say
    beliefs = TAUGHT.course.insights[say["insight"]].misconceptions
    return next((belief.id for belief in beliefs if belief.belief == say.get("belief")), "")


def test_the_last_two_hints_do_tell_which_shows_that_the_tests_above_could_fail(classroom, tool):
    def hints(changed):
        room = room_at(classroom, tool, "ask", "softmax-makes-shares", question)
        room = classroom(tool.with_question(TAUGHT, "softmax-makes-shares", "high", key=changed.key), store=room.store)
        return [room.tools.hint(room.lesson, "two").text for _ in range(RUNGS)]

    question = TAUGHT.questions("softmax-makes-shares")["high"]
    truth, lie = hints(question), hints(next(other_keys(question)))
    assert [a == b for a, b in zip(truth, lie)] == [True, True, True, False, False]
