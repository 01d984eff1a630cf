"""Where an answer stands in what a learner reads before: the claim, the text, or another question."""

import re
from collections.abc import Iterator, Sequence

from microgpt.insights.grading import same
from microgpt.insights.insight import Insight
from microgpt.insights.locked import LockedQuestion
from microgpt.insights.question import numbers_in, render_inputs
from microgpt.sandbox import Json

_NUMBER = r"-?(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?"
_RUN = re.compile(rf"{_NUMBER}(?:[\s,;\[\]()]+(?:and\s+)?{_NUMBER})*", re.IGNORECASE)


def key_places(
    insight: Insight, question: LockedQuestion, questions: Sequence[LockedQuestion]
) -> Iterator[tuple[str, int]]:
    """Yield (what, line) wherever the key of a question can be read.

    A single number is looked for in the text alone: in the claim or a question it stands there by chance. A choice's
    key is one of the options, which everybody reads.
    """
    if question.kind == "choice":
        return
    for line, text in _text_lines(insight):
        if says(text, question.key, insight.within):
            yield "the text", line
            break
    if question.kind == "number":
        return
    if says(insight.claim, question.key, insight.within):
        yield "the claim", insight.lines["claim"]
    for other in questions:
        text = f"{other.ask}\n{render_inputs(other.inputs)}"
        if other.id != question.id and says(text, question.key, insight.within):
            yield f"the question {other.id!r}", insight.lines[f"questions.{other.id}"]


def _text_lines(insight: Insight) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs' lines with their numbers in the file."""
    for key, text in (("text", insight.text), ("breaks", insight.breaks)):
        for offset, line in enumerate(text.split("\n")):
            yield insight.lines[key] + offset, line


def says(text: str, key: Json, within: float) -> bool:
    """Whether a key stands in a text: its words, or its numbers side by side."""
    if isinstance(key, str):
        return bool(re.search(rf"(?<!\w){re.escape(key.strip())}(?!\w)", text, re.IGNORECASE))
    wanted = list[Json](numbers_in(key))
    return any(_holds(run, wanted, within) for run in _runs(text))


def _runs(text: str) -> Iterator[list[Json]]:
    """Yield the numbers of a text that stand side by side, as those of a list do."""
    for run in _RUN.finditer(text):
        yield [float(number) for number in re.findall(_NUMBER, run[0], re.IGNORECASE)]


def _holds(run: list[Json], wanted: list[Json], within: float) -> bool:
    size = len(wanted)
    return any(same(run[i : i + size], wanted, within) for i in range(len(run) - size + 1))
