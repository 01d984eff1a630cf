"""Every word of the trade is explained before an insight uses it, whatever the goal.

A learner with a goal meets that goal's insights and what they need, nothing else. So a word is looked for in each plan
from its beginning up to the insight that explains it.
"""

import re
from collections.abc import Iterator

import pytest

from microgpt.insights.course import find_course, load_course, plan
from microgpt.insights.insight import Insight

COURSE = load_course(find_course("microgpt"))

EXPLAINED = {  # a word, and the insights whose text says what it means
    r"tokens?": ("text-is-numbers",),
    r"BOS": ("bos-marks-both-ends", "embeddings-are-rows-looked-up"),
    r"shares": ("softmax-makes-shares", "prediction-is-classification"),
    r"loss(es)?": ("prediction-is-classification", "a-derivative-is-sensitivity"),
    r"ln V": ("knowing-nothing-costs-ln-v",),
    r"gradients?": ("a-derivative-is-sensitivity",),
    r"channels?": ("embeddings-are-rows-looked-up", "weights-start-small-and-random"),
    r"embeddings?": ("embeddings-are-rows-looked-up",),
    r"quer(y|ies)": ("attention-is-a-weighted-average",),
    r"the stream": ("the-residual-stream-adds",),
    r"MLP": ("the-residual-stream-adds", "the-mlp-bends"),
    r"RMSNorm": ("rmsnorm-sets-the-scale-not-the-direction",),
    r"`lm_head`": ("logits-are-one-score-a-token",),
    r"std": ("weights-start-small-and-random",),
    r"Adam": ("adam-keeps-two-averages",),
}


def texts(insight: Insight) -> Iterator[str]:
    """Yield what a learner reads of an insight; not where it breaks, which may point ahead."""
    yield from (insight.claim, insight.text, insight.ask)
    yield from (question.ask for question in insight.questions)
    yield from (belief.belief for belief in insight.misconceptions)


def used_too_early(ids: tuple[str, ...], word: str, homes: tuple[str, ...]) -> list[str]:
    """Return the insights of a plan that use a word and stand before all that explain it."""
    before = next((at for at, name in enumerate(ids) if name in homes), len(ids))
    found = re.compile(rf"(?<!\w){word}(?!\w)")
    return [name for name in ids[:before] if any(found.search(text) for text in texts(COURSE.insights[name]))]


@pytest.mark.parametrize("goal", COURSE.goals)
def test_no_plan_uses_a_word_before_the_insight_that_explains_it(goal: str) -> None:
    ids = tuple(plan(COURSE, goal))
    early = {word: names for word, homes in EXPLAINED.items() if (names := used_too_early(ids, word, homes))}
    assert early == {}


@pytest.mark.parametrize(("word", "homes"), EXPLAINED.items())
def test_what_explains_a_word_uses_it(word: str, homes: tuple[str, ...]) -> None:
    assert all(any(re.search(word, text) for text in texts(COURSE.insights[home])) for home in homes)


def test_a_word_used_too_early_is_seen() -> None:
    assert used_too_early(("heads-share-the-channels-out",), r"channels?", ("no-such-insight",)) != []
