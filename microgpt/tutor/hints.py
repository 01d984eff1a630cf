"""The ladder of hints: nudge, where to look, principle, half of it, the answer. In order, one at a time.

Only the last two depend on the key; the learner has asked for them, and an answer after any hint counts as assisted.
"""

from collections.abc import Sequence

from microgpt.learner.evidence import Json
from microgpt.tutor.policy import Teachable
from microgpt.tutor.render import show, source_of
from microgpt.tutor.state import OpenAsk

RUNGS = 5


def hint_text(ask: OpenAsk, rung: int, taught: Teachable) -> str:
    """Return the words of a rung, counted from 1."""
    insight = taught.course.insights[ask.insight]
    question = taught.questions(ask.insight)[ask.question]
    if rung == 1 and insight.anchor:
        return (
            f"Be the interpreter: put the numbers into {insight.anchor}, and write down what each line makes of them."
        )
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
    return f"It is {show(question.key)}. Send it, or say why: either way a fresh question comes after it."


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
