"""From a plan to a turn: the facts that a voice words, and the question as it is asked.

What a turn says (`Turn.say`), by move; every fact may be told to the learner:

    always       insight, known, of, and just: how the ask before it ended
    place        n, of_n, source, show
    predict      source, show: the lines to be predicted; no claim yet
    explain      claim, text, breaks, skip, source, show, worked: an example with its values, line by line; yours: what
                 the tool `example` works through with the learner's own text
    demonstrate  claim, source, show, worked: the learner's own question; yours
    ask          why (first, again, parallel, confirm), source, show
    confront     belief, possible, you_said, it_would_say, reply, source, show
    practise     exercise (hunt, blank, write, experiment), source: the lines that it is about, which are not the file's
    review       n, of_n, days, source, show
    finish       mastered, shown, left, next_review; n, of_n while a last question is asked

Nothing here depends on the key of the question that the turn asks.
"""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from microgpt.insights.course import symbol_source
from microgpt.insights.insight import Insight
from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.insights.practice import Exercise, ExerciseKind
from microgpt.insights.question import is_number, render_inputs, render_value
from microgpt.insights.subject import statement_lines
from microgpt.learner.evidence import Json
from microgpt.tutor.state import ClosedAsk, LessonState, OpenAsk, Plan
from microgpt.tutor.turns import EXITS, HOLDOUT_EXITS, Ask, AskKind, Source, Turn
from microgpt.tutor.view import Teachable

DIGITS = 4  # significant, the same wherever a number is shown
_symbol_lines = cache(symbol_source)  # parsing the subject would cost more than all the rest of a turn
_statement_lines = cache(statement_lines)  # so would this
LONGEST = 500  # characters of a value; nobody reads more
_BESIDE = 160  # characters of a value beside its line
_LENGTH = 3  # of an example, where the length itself is asked
_EXAMPLES = {"number": "0.25", "text": "word", "choice": "b"}
_OF_EXERCISE: Mapping[ExerciseKind, tuple[AskKind, str]] = {  # the shape of an answer, and an example
    "hunt": ("line", "12"),
    "blank": ("code", "total + 1"),
    "write": ("code", "def name(x):\n    return x + 1"),
    "experiment": ("choice", "b"),
}


def render(state: LessonState, taught: Teachable, lesson: str, now: datetime) -> Turn:
    """Return the lesson's current turn; the same state gives the same turn, byte for byte."""
    plan = state.plan
    assert plan is not None, "a lesson begins with a turn"
    say: dict[str, Json] = {"insight": plan.insight, **_known(state, taught), **_just(state, plan, taught)}
    say |= _SAY[plan.move](state, plan, taught, now)
    if plan.n:
        say |= {"n": plan.n, "of_n": plan.of}
    ask = None
    if state.ask is not None:
        ask = render_ask(state.ask, taught)
    exits = () if ask is None else HOLDOUT_EXITS if ask.holdout else EXITS
    return Turn(
        lesson=lesson, turn=state.turn, move=plan.move, say=say, ask=ask, exits=exits, ack=f"t{state.turn}"
    )  # fmt: skip


def render_ask(open_ask: OpenAsk, taught: Teachable) -> Ask:
    """Return an open ask as a learner meets it."""
    if open_ask.exercise:
        exercise = taught.exercises(open_ask.insight)[open_ask.exercise]
        kind, example = _OF_EXERCISE[exercise.kind]
        return Ask(
            ask_id=open_ask.ask_id, text=exercise.task, kind=kind, options=open_ask.options, example=example
        )  # fmt: skip
    question = taught.questions(open_ask.insight)[open_ask.question]
    kind = "choice" if open_ask.options else question.kind
    inputs = render_inputs(question.inputs)
    shape = tuple(_LENGTH for _ in question.shape) if question.any_length else question.shape
    return Ask(
        ask_id=open_ask.ask_id,
        text=f"{inputs}\n{question.ask}" if inputs else question.ask,
        kind=kind,
        options=open_ask.options,
        example=_example_list(shape) if kind == "list" else _EXAMPLES[kind],
        holdout=open_ask.holdout,
    )


def _example_list(shape: tuple[int, ...]) -> str:
    """Return a well-formed list of a shape, always the same for it."""
    length, *inner = shape
    numbers = ("0.5", "-1", "2", "0.25")
    rows = [_example_list(tuple(inner))] * length if inner else [numbers[i % 4] for i in range(length)]
    return f"[{', '.join(rows)}]"


def options_of(question: LockedQuestion, ask_id: str) -> tuple[str, ...]:
    """Return the texts of a choice: the educator's own options, or the key and what the misconceptions answer.

    None where fewer than three of the latter differ: then it is asked openly. Sorted first, then shuffled by the ask's
    id, so that the order says nothing about which is right.
    """
    texts = set(question.options) or {show(answer) for answer in _answers(question)}
    if len(texts) < 3 and not question.options:
        return ()
    return _shuffled(texts, ask_id)


def options_of_exercise(exercise: Exercise, ask_id: str) -> tuple[str, ...]:
    """Return the verdicts to choose from, in an order that tells nothing; none where it asks openly."""
    return _shuffled(exercise.options, ask_id)


def _shuffled(texts: Iterable[str], ask_id: str) -> tuple[str, ...]:
    ordered = sorted(texts)
    random.Random(hashlib.sha256(ask_id.encode()).digest()).shuffle(ordered)
    return tuple(ordered)


def value_of(option: str, question: LockedQuestion) -> Json:
    """Return the answer that an option of `options_of` stands for; the key, where rounding makes two look alike."""
    return next(answer for answer in _answers(question) if show(answer) == option)


def _answers(question: LockedQuestion) -> list[Json]:
    """Return the key, then what the misconceptions answer."""
    return [question.key, *(answer for answer in question.answers.values() if not isinstance(answer, Fault))]


def show(value: Json) -> str:
    """Return a value as it is shown anywhere: numbers to four significant digits.

    >>> show([[1 / 3, 2], [0, 12345.6]])
    '[[0.3333, 2], [0, 12350]]'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return f"[{', '.join(show(item) for item in value)}]"
    if not is_number(value):  # pyright: ignore
        return render_value(value)  # pyright: ignore
    rounded = float(f"{value:.{DIGITS}g}")
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def source_of(taught: Teachable, symbol: str) -> Source:
    """Return a symbol's lines as they stand in the subject's file."""
    course = taught.course
    lines = _symbol_lines(course.subject_source, symbol)
    file = course.subject_path.name if course.subject_path else ""
    return Source(symbol=symbol, file=file, start=lines.start, lines=lines.lines)


def _known(state: LessonState, taught: Teachable) -> dict[str, Json]:
    path = taught.plan(state.goal)
    return {"known": sum(state.insight(name).known for name in path), "of": len(path)}


def _just(state: LessonState, plan: Plan, taught: Teachable) -> dict[str, Json]:
    """Say how the ask before this turn ended; its key only where it is no secret any more."""
    closed = state.closed_ask(plan.just) if plan.just else None
    if closed is None:
        return {}
    just: dict[str, Json] = {
        "ask_id": closed.ask_id,
        "outcome": closed.outcome,
        "insight": closed.insight,
        "newly_mastered": closed.mastered,
        "answer": answer_of(closed, taught),
        "you_said": closed.quote,
        "credited": closed.credited,
        "why_not": closed.why_not,
    }
    insight = taught.course.insights.get(closed.insight)
    if closed.mastered and insight and not state.insight(closed.insight).explained:
        just["claim"] = insight.claim  # found out, not told: here it is in words
    if closed.exercise:
        beliefs = insight.misconceptions if insight else ()
        possible: list[Json] = [belief.belief for belief in beliefs if belief.id in closed.misconceptions]
        just |= {"exercise": closed.exercise.partition("/")[0], "possible": possible}
    return {"just": just}


def answer_of(closed: ClosedAsk, taught: Teachable) -> str:
    """Return the key of a closed ask as text, if it was found or given up; a wrong answer is to be thought over.

    That of an exercise is told in any case, since it does not come again; but not another program than one that works.
    """
    if closed.exercise and closed.insight in taught.lock.insights:
        exercise = taught.exercises(closed.insight).get(closed.exercise)
        if exercise is None or closed.outcome not in ("right", "wrong", "gave_up"):
            return ""
        return "" if exercise.kind == "write" and closed.outcome == "right" else exercise.answer
    if closed.outcome not in ("right", "gave_up") or closed.insight not in taught.lock.insights:
        return ""
    question = taught.questions(closed.insight).get(closed.question)  # the course may have changed since
    return show(question.key) if question else ""


def _sources(insight: Insight, taught: Teachable) -> dict[str, Json]:
    if not insight.anchor:
        return {}
    show_: list[Json] = [source_of(taught, symbol).to_json() for symbol in insight.show]
    return {"source": source_of(taught, insight.anchor).to_json(), **({"show": show_} if show_ else {})}


def _worked(plan: Plan, taught: Teachable) -> dict[str, Json]:
    """A question worked through: its inputs, the values on the anchor's lines, the answer."""
    question = taught.questions(plan.insight).get(plan.worked)
    if question is None:
        return {}
    anchor = taught.course.insights[plan.insight].anchor
    lines = _statement_lines(taught.course.subject_source, anchor) if question.walk else ()
    values = [(lines[place], name, show(value)) for place, name, value in question.walk if place < len(lines)]
    return {"worked": worked_facts(render_inputs(question.inputs), question.ask, values, show(question.key))}


def _yours(insight: Insight) -> dict[str, Json]:
    return {"yours": insight.yours} if insight.yours else {}


def worked_facts(inputs: str, ask: str, values: Iterable[tuple[int, str, str]], answer: str) -> dict[str, Json]:
    """Return an example as the facts that a voice words.

    Args:
        values: (line of the subject's file, name, what it is there).
    """
    beside: list[Json] = [{"line": line, "name": name, "text": _cut(text, _BESIDE)} for line, name, text in values]
    return {"inputs": inputs, "ask": ask, "values": beside, "answer": _cut(answer, LONGEST)}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} …"


def _place(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    return _sources(taught.course.insights[plan.insight], taught)


def _predict(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    return _sources(taught.course.insights[plan.insight], taught)


def _explain(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    insight = taught.course.insights[plan.insight]
    words: dict[str, Json] = {
        "claim": insight.claim,
        "text": insight.text,
        "breaks": insight.breaks,
        "skip": insight.skip,
    }
    return {**words, **_sources(insight, taught), **_worked(plan, taught), **_yours(insight)}


def _demonstrate(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    insight = taught.course.insights[plan.insight]
    return {"claim": insight.claim, **_sources(insight, taught), **_worked(plan, taught), **_yours(insight)}


def _ask(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    return {"why": plan.why, **_sources(taught.course.insights[plan.insight], taught)}


def _confront(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    """The belief, and what it foretells for the question that is asked: known to be wrong, so no key."""
    insight = taught.course.insights[plan.insight]
    belief = next(belief for belief in insight.misconceptions if belief.id == plan.belief)
    answer = taught.questions(plan.insight)[plan.question].answers[belief.id]
    missed = [closed for closed in state.closed if closed.insight == plan.insight and closed.outcome == "wrong"]
    return {
        "possible": list(state.insight(plan.insight).possible),
        "belief": belief.belief,
        "you_said": missed[-1].quote if missed else "",
        "it_would_say": "" if isinstance(answer, Fault) else show(answer),
        "reply": belief.reply,
        **_sources(insight, taught),
    }


def _practise(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    exercise = taught.exercises(plan.insight)[plan.exercise]
    anchor = taught.course.insights[plan.insight].anchor
    source = Source(symbol=anchor, file=exercise.file, start=exercise.start, lines=exercise.lines)
    return {"exercise": exercise.kind, "source": source.to_json()}


def _review(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    seen = state.insight(plan.insight).seen
    sources = _sources(taught.course.insights[plan.insight], taught)
    return {**sources, "days": (now - datetime.fromisoformat(seen)).days if seen else 0}


def _finish(state: LessonState, plan: Plan, taught: Teachable, now: datetime) -> dict[str, Json]:
    insights = {name: state.insight(name) for name in taught.plan(state.goal)}
    claims = taught.course.insights
    cards = [insight.card["due"] for insight in insights.values() if insight.card is not None]
    done = [name for name, insight in insights.items() if insight.mastered]
    shown = [name for name, insight in insights.items() if insight.shown and name not in done]
    left = [name for name, insight in insights.items() if not insight.known]
    return {
        "mastered": [{"insight": name, "claim": claims[name].claim} for name in done],
        "shown": [{"insight": name, "claim": claims[name].claim} for name in shown],
        "left": [{"insight": name, "claim": claims[name].claim} for name in left],
        "next_review": min((str(due) for due in cards), default=""),
    }


_SAY = {
    "place": _place,
    "predict": _predict,
    "explain": _explain,
    "demonstrate": _demonstrate,
    "ask": _ask,
    "confront": _confront,
    "practise": _practise,
    "review": _review,
    "finish": _finish,
}
