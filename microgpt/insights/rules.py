"""The rules of lint that need answers, one a function: what is wrong with an insight's questions and misconceptions.

A misconception that breaks several rules for one reason is told once: what cannot be seen at all is not said to be
invisible in a holdout too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from microgpt.insights.finding import Finding
from microgpt.insights.grading import gives_up, parse, same
from microgpt.insights.insight import Insight, Misconception
from microgpt.insights.leaks import key_places
from microgpt.insights.locked import Fault, LockedQuestion, judge, named_alone, told_apart
from microgpt.insights.parallel import MOST
from microgpt.insights.question import numbers_in, render_inputs, render_value

_FEWEST_OPTIONS = 3  # as in `microgpt.tutor.render`


@dataclass(frozen=True)
class _Checked:
    """An insight beside its answers, and the misconceptions whose answers are known."""

    insight: Insight
    questions: Sequence[LockedQuestion]

    @property
    def authored(self) -> list[LockedQuestion]:
        return [q for q in self.questions if not q.parallel]

    @property
    def taught_with(self) -> list[LockedQuestion]:
        return [q for q in self.questions if not q.holdout]

    @property
    def answered(self) -> list[Misconception]:
        return [m for m in self.insight.misconceptions if all(m.id in q.answers for q in self.questions)]

    def seen(self, belief: str) -> bool:
        """Whether any of the educator's questions gets another answer than the key from this belief."""
        return any(judge(q.answers[belief], q.key, self.insight.within) != "right" for q in self.authored)

    def finding(self, key: str, rule: str, message: str, remedy: str, *, warning: bool = False) -> Finding:
        return Finding.at(self.insight, key, rule, message, remedy, warning=warning)


def check_answers(insight: Insight, questions: Sequence[LockedQuestion]) -> Iterator[Finding]:
    """Yield everything that is wrong with the questions and misconceptions of one insight.

    Args:
        questions: those whose answers could be computed; without any, there is nothing to say.
    """
    checked = _Checked(insight, questions)
    of_each = (_near, _leaks, _one_key, _options, _told_by_shape, _unanswerable)
    of_all = (_invisible, _twins, _holdouts, _alone, _counters, _few)
    some_failed = len(checked.authored) < len(insight.questions)  # which is told; what follows from it is not
    for rule in (*(() if some_failed else of_all), *of_each) if questions else ():
        yield from rule(checked)


def count_shown(insight: Insight, questions: Sequence[LockedQuestion]) -> Mapping[str, int]:
    """Return of how many misconceptions holds what lint demands of each.

    They can be told from all others, are named alone by a question that is taught with, and show on a holdout.
    """
    c = _Checked(insight, questions)
    seen = [belief for belief in c.answered if questions and c.seen(belief.id)]
    named = {name for q in c.taught_with for name in named_alone(q, insight.within)}
    return {
        "distinguishable": sum(not _has_twin(c, belief) for belief in seen),
        "named_alone": sum(belief.id in named for belief in seen),
        "on_a_holdout": sum(any(belief.id in q.shows for q in questions if q.holdout) for belief in seen),
    }


def _invisible(c: _Checked) -> Iterator[Finding]:
    for belief in c.answered:
        if not c.seen(belief.id):
            message = f"misconception {belief.id!r} can't be seen: it answers all {len(c.authored)} questions rightly."
            yield c.finding(_belief(belief), "invisible", message, _telling(c, belief))


def _telling(c: _Checked, belief: Misconception) -> str:
    """Return a remedy with inputs that do show a misconception, where the parallel questions found some."""
    for question in c.questions:
        if question.parallel and belief.id in question.shows:
            return f"Try a question with  {render_inputs(question.inputs)}"
    return "Try inputs for which the belief gives another answer, or a mutant that says more of it."


def _twins(c: _Checked) -> Iterator[Finding]:
    for a, b in combinations([m for m in c.answered if c.seen(m.id)], 2):
        if not told_apart(a.id, b.id, c.questions, c.insight.within):
            message = f"{b.id!r} can't be told apart from {a.id!r}: both give the same answer to every question."
            remedy = "Try inputs for which they differ, or make one misconception of them."
            yield c.finding(_belief(b), "twins", message, remedy)


def _has_twin(c: _Checked, belief: Misconception) -> bool:
    others = [m.id for m in c.answered if m.id != belief.id]
    return any(not told_apart(belief.id, other, c.questions, c.insight.within) for other in others)


def _holdouts(c: _Checked) -> Iterator[Finding]:
    holdouts = [q for q in c.questions if q.holdout]
    if not holdouts:
        message = "no question is a holdout, so what was learned can't be measured."
        yield c.finding("questions", "holdout-blind", message, "Try  holdout: true  in one of them.")
        return
    for belief in c.answered:
        if c.seen(belief.id) and not any(belief.id in q.shows for q in holdouts):
            message = f"no holdout shows {belief.id!r}: {_names(holdouts)} would be answered rightly."
            yield c.finding(_belief(belief), "holdout-blind", message, _telling(c, belief))


def _alone(c: _Checked) -> Iterator[Finding]:
    for belief in c.answered:
        if not c.seen(belief.id) or _has_twin(c, belief):
            continue
        if not any(belief.id in named_alone(q, c.insight.within) for q in c.taught_with):
            message = f"no question that is taught with names {belief.id!r} alone, so it can't be diagnosed."
            remedy = "Try inputs for which its answer is unlike the key and all the other beliefs'."
            yield c.finding(_belief(belief), "never-alone", message, remedy)


def _counters(c: _Checked) -> Iterator[Finding]:
    for belief in c.answered:
        question = next((q for q in c.authored if q.id == belief.counter), None)
        if question and c.seen(belief.id) and belief.id not in question.shows:
            message = f"the counter {belief.counter!r} does not show {belief.id!r} to be wrong: it answers it rightly."
            others = [q for q in c.authored if not q.holdout and belief.id in q.shows]
            remedy = f"Try {_names(others)}." if others else "Try a question whose answer the belief gets wrong."
            yield c.finding(f"{_belief(belief)}.counter", "counter-blind", message, remedy)


def _near(c: _Checked) -> Iterator[Finding]:
    for question in c.authored:
        for name, answer in question.answers.items():
            if not isinstance(answer, Fault) and judge(answer, question.key, c.insight.within) == "near":
                given = f"{render_value(answer)} to {render_value(question.key)}"
                message = (
                    f"{name!r} is nearly right about {question.id!r}: {given} is within twice {c.insight.within:g}."
                )
                yield c.finding(_question(question), "nearly-right", message, "Try inputs that set them further apart.")


def _leaks(c: _Checked) -> Iterator[Finding]:
    for question in c.authored:
        for where, line in key_places(c.insight, question, c.authored):
            scalar = question.kind == "number"
            shown = render_value(question.key)
            message = f"the answer to {question.id!r} ({shown}) stands in {where}, line {line}."
            rule = "key-in-text" if scalar else "key-leaks"
            yield c.finding(
                _question(question), rule, message, "Try other inputs, or other words there.", warning=scalar
            )


def _one_key(c: _Checked) -> Iterator[Finding]:
    for first, second in combinations([q for q in c.authored if q.kind != "choice"], 2):
        if same(first.key, second.key, c.insight.within):
            message = f"{second.id!r} has the same answer as {first.id!r} ({render_value(first.key)})."
            yield c.finding(_question(second), "one-key", message, "Try other inputs for one of them.", warning=True)


def _few(c: _Checked) -> Iterator[Finding]:
    made = sum(q.parallel for q in c.questions)
    if made < MOST and any(q.call for q in c.questions):
        message = f"only {made} of {MOST} further questions were found for review."
        remedy = "Try inputs with more room: longer lists, more than one size of number."
        if not any(True for q in c.authored for value in q.inputs.values() for _ in numbers_in(value)):
            remedy = "Try more questions: texts are only exchanged for one another's, never made up."
        yield c.finding("questions", "few-parallels", message, remedy, warning=True)


def _options(c: _Checked) -> Iterator[Finding]:
    """A choice of words cannot be asked openly instead, as one of numbers can."""
    for question in c.authored:
        if question.kind == "choice" and len(question.options) < _FEWEST_OPTIONS:
            message = f"{question.id!r} leaves {len(question.options)} options, so guessing is right too often."
            remedy = "one more in `options:`" if question.call else "a wrong answer of its own for each misconception"
            yield c.finding(_question(question), "few-options", message, f"Try {remedy}.")


def _told_by_shape(c: _Checked) -> Iterator[Finding]:
    """Without code, the options are the educator's own words, which may give the key away."""
    for question in c.authored:
        if question.call:
            continue
        key, others = str(question.key), [str(a) for a in question.answers.values() if a != question.key]
        if others and len(key) > max(map(len, others)):
            message = f"the right answer to {question.id!r} is the longest, and learners know that trick."
            yield c.finding(_question(question), "key-longest", message, "Try shortening it, or say more in another.")
        claim = _content_words(c.insight.claim)
        if claim & _content_words(key) and not any(claim & _content_words(other) for other in others):
            echo = ", ".join(sorted(claim & _content_words(key)))
            message = f"only the right answer to {question.id!r} echoes the claim ({echo})."
            yield c.finding(_question(question), "key-echoes", message, "Try the claim's words in a wrong answer too.")


def _unanswerable(c: _Checked) -> Iterator[Finding]:
    for question in c.authored:
        key = question.key
        if question.kind != "text" or not isinstance(key, str):
            continue
        if gives_up(key) or parse(key, "text", known=(key,)) != key:
            said = "gives the question up" if gives_up(key) else "is not understood"
            message = f"nobody can answer {question.id!r}: whoever says {render_value(key)[:60]!r} {said}."
            yield c.finding(_question(question), "unanswerable", message, "Try inputs with another answer.")


def _content_words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.casefold()))


def _question(question: LockedQuestion) -> str:
    return f"questions.{question.id}"


def _belief(belief: Misconception) -> str:
    return f"misconceptions.{belief.id}"


def _names(questions: Sequence[LockedQuestion]) -> str:
    return ", ".join(q.id for q in questions)
