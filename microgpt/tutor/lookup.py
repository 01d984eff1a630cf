"""What a course says about a learner's own question: the insight and the code that fit it best, found by its words.

No model understands the question here; what is found is shown as found, never as an answer.

    >>> _words("How are the scores scaled?") == _words("scale a score")
    True
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from microgpt.insights.course import Course
from microgpt.insights.insight import Insight

# How much more a word of the claim says than one of the text; and one of an id or an anchor, if all its words are asked
# for: loss_and_gradients is not what a question about a gradient is about.
NAME, CLAIM, TEXT = 6, 3, 1
ENOUGH = 0.34  # of the question's words, weighed by how rare they are, that must be found for a fit
_COMMON = """
    a an and are as at be because but by can did do does for from had has have how i if in into is it its me mean
    more my no not of on one or our say should so some tell than that the their them then there these they this to
    was we were what when where which who why will with would you your
"""
_STOP = frozenset(_COMMON.split())


@dataclass(frozen=True, kw_only=True)
class Found:
    """What fits a question best.

    Args:
        word, meaning: an entry of the glossary that the question names; empty for none.
        insight: the id of the insight that fits, `claim` what it says, and `anchor` the code that it is about; all
            empty where none fits.
    """

    word: str = ""
    meaning: str = ""
    insight: str = ""
    claim: str = ""
    anchor: str = ""


def look_up(question: str, course: Course) -> Found:
    """Find the insight whose words are most like the question's, and the glossary's word that it asks about.

    Rare words count for more (their inverse document frequency, Spärck Jones 1972, "A statistical interpretation of
    term specificity and its application in retrieval"), and words of a claim for more than those of a text.
    """
    asked = _words(question)
    pages = {name: _page(insight, asked) for name, insight in course.insights.items()}
    in_pages = Counter(word for page in pages.values() for word in page)
    rarity = {word: math.log((len(pages) + 1) / (in_pages[word] + 0.5)) for word in asked}

    def fit(name: str) -> float:
        counts = {word: pages[name].get(word, 0) for word in asked}
        return sum(rarity[word] * count / (count + 1) for word, count in counts.items())

    def share(name: str) -> float:
        return sum(rarity[word] for word in asked if word in pages[name]) / sum(rarity.values())

    named = (word for word in course.glossary if _words(word) and _words(word) <= asked)
    word = max(named, key=lambda word: len(_words(word)), default="")  # "linear layer" rather than "layer"
    best = max(pages, key=fit, default="")
    if not best or not fit(best) or share(best) < ENOUGH:
        return Found(word=word, meaning=course.glossary.get(word, ""))
    insight = course.insights[best]
    meaning = course.glossary.get(word, "")
    return Found(word=word, meaning=meaning, insight=best, claim=insight.claim, anchor=insight.anchor)


def _page(insight: Insight, asked: frozenset[str]) -> dict[str, float]:
    """Return how much each word of an insight counts."""
    page: dict[str, float] = {}
    for text, weight in ((insight.id, NAME), (insight.anchor, NAME), (insight.claim, CLAIM), (insight.text, TEXT)):
        words = _words(text)
        share = len(words & asked) / len(words) if weight == NAME and words else 1
        page |= {word: page.get(word, 0) + weight * share for word in words}
    return page


def _words(text: str) -> frozenset[str]:
    """Return the words of a text, without those that every text has and without their endings."""
    found = re.findall(r"[a-z]+", text.lower().replace("'s ", " "))
    return frozenset(_stem(word) for word in found if word not in _STOP)


def _stem(word: str) -> str:
    """Cut off a plural, a tense: enough to find ``scaled`` by ``scale``."""
    for ending in ("ing", "ies", "ied", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
