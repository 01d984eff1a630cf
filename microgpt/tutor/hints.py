"""The ladder of hints: nudge, where to look, principle, half of it, the answer. In order, one at a time.

Only the last two depend on the key; the learner has asked for them, and an answer after any hint counts as assisted.
"""

from collections.abc import Mapping, Sequence

from microgpt.insights.practice import Exercise, ExerciseKind
from microgpt.learner.evidence import Json
from microgpt.tutor.render import show, source_of
from microgpt.tutor.state import OpenAsk
from microgpt.tutor.view import Teachable

RUNGS = 5

_EXERCISE: Mapping[ExerciseKind, tuple[str, str]] = {  # the first two rungs
    "hunt": (
        "Take a small input, and write down what each line makes of it.",
        "Which line computes what the belief speaks of? Look at how it does that.",
    ),
    "blank": (
        "What must the line have at this place, so that the lines below get what they need?",
        "Look at what the line is for, and at the names that are at hand there.",
    ),
    "write": (
        "Take a small input, and work out by hand what should come out. Then write down your steps.",
        "Look at the first lines: what goes in, what comes out, and what is said of it.",
    ),
    "experiment": (
        "What does the edited line hand to the lines below it now?",
        "Learning goes on where the loss still tells good weights from bad ones. Does it?",
    ),
}


def hint_text(ask: OpenAsk, rung: int, taught: Teachable) -> str:
    """Return the words of a rung, counted from 1."""
    insight = taught.course.insights[ask.insight]
    if ask.exercise:
        return _exercise_hint(taught.exercises(ask.insight)[ask.exercise], rung, insight.claim)
    question = taught.questions(ask.insight)[ask.question]
    if rung == 1 and insight.anchor:
        return f"Be the interpreter: follow these values through {insight.anchor}, and write down what each line makes."
    if rung == 1:
        return "Say the question in your own words first. What exactly is asked for?"
    if rung == 2 and insight.anchor:
        source = source_of(taught, insight.anchor)
        last = source.start + len(source.lines) - 1
        return f"It is decided in {insight.anchor}, {source.file} lines {source.start} to {last}."
    if rung <= 3:
        return insight.claim
    if rung == 4:
        return _half(ask, question.key)
    return f"It is {show(question.key)}. Send it; a fresh question comes after it."


def _half(ask: OpenAsk, key: Json) -> str:
    """Give away half: the first half of a list, a number's range, or half of the wrong options."""
    if ask.options:
        wrong = [option for option in ask.options if option != show(key)]
        return f"It is none of these: {', '.join(wrong[: max(1, len(wrong) // 2)])}."
    if isinstance(key, str):
        return f"It begins with {key[:1]!r} and has {len(key)} letters."
    if isinstance(key, Sequence):
        return f"It begins with {', '.join(show(item) for item in key[: max(1, len(key) // 2)])}."
    assert isinstance(key, int | float)
    low, high = sorted((key * 0.8, key * 1.25)) if key else (-0.5, 0.5)
    return f"It lies between {show(low)} and {show(high)}."


def _exercise_hint(exercise: Exercise, rung: int, claim: str) -> str:
    if rung <= 2:
        return _EXERCISE[exercise.kind][rung - 1]
    if rung == 3:
        return claim
    return f"It is {exercise.answer}." if rung == RUNGS and exercise.kind != "write" else _part(exercise, rung)


def _part(exercise: Exercise, rung: int) -> str:
    """Give away half of an exercise, or the whole of a function."""
    match exercise.kind, exercise.key:
        case "hunt", [int(first), *_]:
            half = exercise.start + len(exercise.lines) // 2
            last = exercise.start + len(exercise.lines) - 1
            low, high = (exercise.start, half - 1) if first < half else (half, last)
            return f"It is one of the lines {low} to {high}."
        case "experiment", verdict:
            wrong = [option for option in exercise.options if option != verdict]
            return f"It is none of these: {', '.join(wrong[: len(wrong) // 2])}."
        case "blank", str(text):
            return f"It begins with {text[:1]!r} and has {len(text)} characters."
        case _:
            lines = exercise.answer.split("\n")
            body = len(exercise.lines) - 1  # where it begins: the last line shown is only a place for it
            shown = lines if rung == RUNGS else lines[: (body + len(lines) + 1) // 2]
            return "\n".join(["It goes like this:", *shown])
