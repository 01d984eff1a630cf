"""What a lock holds: for every question its key, and what each misconception would answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from microgpt.insights.grading import same
from microgpt.insights.question import Kind, is_number, numbers_in, shape_of
from microgpt.sandbox import Json


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mutant gave no answer: it crashed or never came to an end. Visible, but never an option.

    Args:
        kind: ``error``, ``timeout``, ``memory``, ``output``, ``killed``, or ``value`` where nobody could type it, or
            not as an answer to the question.
        detail: the name of the error, where there is one.
    """

    kind: str
    detail: str = ""


Answer: TypeAlias = "Json | Fault"


@dataclass(frozen=True, kw_only=True)
class LockedQuestion:
    """A question with its answers.

    Args:
        kind, shape: what is asked for: a number, a list of `shape`, one of `options`, a text.
        key: the right answer, rounded.
        answers: by misconception: what it would answer.
        shows: the misconceptions that are visibly wrong here.
        holdout: never taught with.
        parallel: made by the lock, not by the educator.
        walk: (place, name, value) of each assignment in the anchor's function while the key was computed; the place is
            that of `subject.statement_lines`. Empty for holdouts.
    """

    id: str
    call: str
    ask: str
    inputs: Mapping[str, Json]
    kind: Kind
    shape: tuple[int, ...]
    options: tuple[str, ...]
    key: Json
    answers: Mapping[str, Answer]
    shows: tuple[str, ...]
    holdout: bool
    parallel: bool
    walk: tuple[tuple[int, str, Json], ...]

    @property
    def any_length(self) -> bool:
        """Whether a list of another length than the key's is an answer, because some misconception gives one."""
        return self.kind == "list" and any(shape_of(answer) != self.shape for answer in self._typed())

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that are answers, the key among them in no place that tells it."""
        return tuple(sorted({value for value in (self.key, *self._typed()) if isinstance(value, str)}))

    def _typed(self) -> list[Json]:
        return [answer for answer in self.answers.values() if not isinstance(answer, Fault)]


Verdict = Literal["worse", "better", "no difference", "crashes", "not comparable", "refused", "not in training"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What training with a misconception's mutant came to, compared with training without it.

    Args:
        hash: of all that it depends on; another one means that it no longer holds.
        verdict: ``refused``: what the mutant computes is not what it takes the gradient of, so that a difference would
            say nothing about the belief. ``not in training``: nothing of the anchor is used there.
        difference: of the losses, mutant minus subject, the mean of paired seeds; rounded.
        low, high: its 95% interval. All three are None where losses were not compared.
    """

    hash: str
    verdict: Verdict
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class LockedInsight:
    """The questions of an insight, and the hashes that they hold for.

    Args:
        hash: of all that the answers depend on; another one means stale.
        anchor_hash: of the code it is about; another one means "look again at the text".
        experiments: by misconception; empty as long as none was made.
    """

    id: str
    hash: str
    anchor_hash: str
    questions: tuple[LockedQuestion, ...]
    experiments: Mapping[str, Experiment] = field(default_factory=dict[str, Experiment])


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The answers of a course, by insight, in the course's order."""

    course: str
    insights: Mapping[str, LockedInsight]


def judge(answer: Answer, key: Json, within: float) -> Literal["right", "near", "wrong"]:
    """Return how an answer compares with the key; `near` is off by more than `within`, by less than twice that.

    >>> judge(0.508, 0.5, 0.005)
    'near'
    """
    if isinstance(answer, Fault):
        return "wrong"
    if same(answer, key, within):
        return "right"
    return "near" if same(answer, key, 2 * within) else "wrong"


def named_alone(question: LockedQuestion, within: float) -> tuple[str, ...]:
    """Return the misconceptions that this question tells from all others: their answer is wrong and only theirs."""
    answers = {name: question.answers[name] for name in question.shows}
    return tuple(
        name
        for name, answer in answers.items()
        if not isinstance(answer, Fault) and not any(_alike(answer, answers[o], within) for o in answers if o != name)
    )


def told_apart(a: str, b: str, questions: Iterable[LockedQuestion], within: float) -> bool:
    """Whether any question gets different answers from two misconceptions."""
    return any(not _alike(q.answers[a], q.answers[b], within) for q in questions)


def _alike(a: Answer, b: Answer, within: float) -> bool:
    if isinstance(a, Fault) or isinstance(b, Fault):
        return isinstance(a, Fault) and isinstance(b, Fault)
    return same(a, b, within)


def rounded(value: Json, smallest: float) -> Json:
    """Return a value with floats to six significant digits, and those nearer to 0 than `smallest` as 0.

    Interpreters add up floats differently in the last bits; rounded, a key is the same on each.

    >>> rounded([0.1 + 0.2, 1e-17], smallest=1e-9)
    [0.3, 0.0]
    """
    if isinstance(value, float):
        return 0.0 if abs(value) < smallest else float(f"{value:.6g}")
    if isinstance(value, list):
        return [rounded(item, smallest) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item, smallest) for key, item in value.items()}
    return value


def can_be_typed(value: Json) -> bool:
    """Whether a learner could give this value as an answer: a number, a text, or lists of numbers."""
    if isinstance(value, list):
        return shape_of(value) is not None or not list(numbers_in(value))
    return is_number(value) or isinstance(value, str)
