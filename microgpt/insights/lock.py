"""The lock of a course: every answer, computed once, with the hashes that it holds for.

A lesson needs the lock alone and starts at once; only what is stale is made anew. Read beside it: `locked`, what it
holds; `lock_file`, how it is written; `experiment`, the part that is only made when it is asked for.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from microgpt.errors import CourseError
from microgpt.insights.answers import answers_without_code, compute_answers, has_code
from microgpt.insights.course import Course
from microgpt.insights.experiment import FILE, Pair, experiment_hashes, run_experiments
from microgpt.insights.insight import Insight
from microgpt.insights.lock_file import FORMAT, lock_path, read_lock, render_lock, write_lock
from microgpt.insights.locked import Experiment, Fault, Lock, LockedInsight, LockedQuestion, can_be_typed
from microgpt.insights.question import kind_of
from microgpt.insights.subject import digest, symbol_text, tree_text
from microgpt.sandbox import Json

__all__ = [
    "Fault",
    "Lock",
    "LockedInsight",
    "LockedQuestion",
    "changed_anchors",
    "lock_path",
    "make_lock",
    "read_lock",
    "render_lock",
    "stale",
    "write_lock",
]

RECIPE = 2  # counted up where the same course gets other questions or answers than before: then every lock is stale


def make_lock(course: Course, *, trusted: bool = False, old: Lock | None = None) -> Lock:
    """Compute every answer that `old` does not hold already.

    Args:
        trusted: the course's code may run where nothing can contain it.

    Raises:
        CourseError: the first question or mutant that does not work.
        SandboxError: nothing here can contain the course's code.
    """
    lock, errors = build_lock(course, trusted=trusted, old=old)
    if errors:
        raise errors[0]
    return lock


def build_lock(
    course: Course, *, trusted: bool = False, old: Lock | None = None
) -> tuple[Lock, tuple[CourseError, ...]]:
    """Return a lock of all that works, and everything that does not; see `make_lock`."""
    hashes = _hashes(course)
    held = list(old.insights.values()) if old else []
    kept = {locked.id: locked for locked in held if _holds(course, locked, hashes)}
    missing = [insight for name, insight in course.insights.items() if name not in kept]
    answers, errors = compute_answers(course, missing, trusted=trusted)
    made = {
        insight.id: LockedInsight(
            id=insight.id,
            hash=hashes[insight.id],
            anchor_hash=anchor_hash(course, insight),
            questions=answers.get(insight.id, ()),
        )
        for insight in missing
    }
    lock = Lock(course=course.id, insights={name: kept.get(name) or made[name] for name in course.insights})
    return with_experiments(lock, _fresh_experiments(course, old) if old else {}), errors


def held_lock(course: Course) -> Lock:
    """Return the lock that a course has; where there is none that can be read, one that holds nothing."""
    try:
        return read_lock(course.folder)
    except CourseError:
        return Lock(course=course.id, insights={})


def stale(course: Course, lock: Lock) -> tuple[str, ...]:
    """Return the insights whose answers the lock does not hold, and those it holds that are no longer there."""
    hashes = _hashes(course)
    held = {name for name, locked in lock.insights.items() if _holds(course, locked, hashes)}
    return tuple(name for name in dict.fromkeys([*hashes, *lock.insights]) if name not in held)


def _holds(course: Course, locked: LockedInsight, hashes: Mapping[str, str]) -> bool:
    """Whether the answers of an insight still hold; a stranger's lock may have the right hash and yet any answers."""
    return hashes.get(locked.id) == locked.hash and _might_be_computed(locked.questions, course.insights[locked.id])


def _might_be_computed(questions: Sequence[LockedQuestion], insight: Insight) -> bool:
    """Whether these have the form of an insight's questions and answers; if they are true, only computing tells."""
    if not has_code(insight):
        return tuple(questions) == answers_without_code(insight)
    authored = [(q.id, q.inputs, q.holdout) for q in insight.questions]
    beliefs = {belief.id for belief in insight.misconceptions}
    return (
        [(q.id, q.inputs, q.holdout) for q in questions if not q.parallel] == authored
        and len({q.id for q in questions}) == len(questions)
        and not any(q.parallel and q.holdout for q in questions)
        and all({*q.answers} == beliefs and beliefs.issuperset(q.shows) for q in questions)
        and all(map(_key_is_of_its_kind, questions))
        and all(isinstance(a, Fault) or can_be_typed(a) for q in questions for a in q.answers.values())
    )


def _key_is_of_its_kind(question: LockedQuestion) -> bool:
    try:
        return kind_of(question.key, question.options) == (question.kind, question.shape)
    except CourseError:
        return False


def with_experiments(lock: Lock, made: Mapping[Pair, Experiment]) -> Lock:
    """Return a lock that holds these experiments and no others, in the order in which they are given."""
    insights = {
        name: replace(locked, experiments={belief: found for (where, belief), found in made.items() if where == name})
        for name, locked in lock.insights.items()
    }
    return replace(lock, insights=insights)


def experiments_in(lock: Lock) -> dict[Pair, Experiment]:
    """Return the experiments that a lock holds."""
    held = [(name, locked.experiments) for name, locked in lock.insights.items()]
    return {(name, belief): found for name, experiments in held for belief, found in experiments.items()}


def stale_experiments(course: Course, lock: Lock) -> tuple[Pair, ...]:
    """Return the experiments in the lock that no longer hold, because the code, the mutant or the anchor changed."""
    fresh = _fresh_experiments(course, lock)
    return tuple(pair for pair in experiments_in(lock) if pair not in fresh)


def missing_experiments(course: Course, lock: Lock) -> tuple[Pair, ...]:
    """Return the experiments that could be made and of which the lock holds none that is fresh.

    Raises:
        CourseError: the course does not say how its subject is trained.
    """
    hashes = experiment_hashes(course)
    if not hashes:
        message = "missing, so there is nothing to train. Try one that defines  measure(documents, seed, steps)"
        raise CourseError(message, path=str(course.folder / FILE))
    fresh = _fresh_experiments(course, lock)
    return tuple(pair for pair in hashes if pair not in fresh)


def _fresh_experiments(course: Course, lock: Lock) -> dict[Pair, Experiment]:
    """Return, in the course's order, the experiments of a lock that hold."""
    held = experiments_in(lock)
    return {
        pair: held[pair]
        for pair, hash_ in experiment_hashes(course).items()
        if pair in held and held[pair].hash == hash_
    }


def add_experiments(course: Course, lock: Lock, *, workers: int, trusted: bool = False) -> Iterator[Lock]:
    """Make the experiments that a lock lacks, and yield the lock with each that is made; see `run_experiments`."""
    made, order = _fresh_experiments(course, lock), [*experiment_hashes(course)]
    for pair, found in run_experiments(course, missing_experiments(course, lock), workers=workers, trusted=trusted):
        made[pair] = found
        yield with_experiments(lock, {pair: made[pair] for pair in order if pair in made})


def anchor_hash(course: Course, insight: Insight) -> str:
    """Return the hash of the code that an insight is about; empty where there is none."""
    try:
        return digest(symbol_text(course.subject_source, insight.anchor)) if insight.anchor else ""
    except CourseError:
        return ""


def changed_anchors(course: Course, held: Lock) -> tuple[str, ...]:
    """Return the insights whose code changed since the lock was made: whether their texts still hold, a person says."""
    before = {name: locked.anchor_hash for name, locked in held.insights.items()}
    now = {name: anchor_hash(course, insight) for name, insight in course.insights.items()}
    return tuple(name for name, hash_ in now.items() if hash_ and before.get(name) and before[name] != hash_)


def _hashes(course: Course) -> dict[str, str]:
    """Return, by insight, the hash of all that its answers depend on; comments do not count."""
    code = [tree_text(course.subject_source), tree_text(course.helpers)]
    return {
        name: digest(json.dumps([FORMAT, RECIPE, *code, *_parts(insight)], ensure_ascii=False))
        for name, insight in course.insights.items()
    }


def _parts(insight: Insight) -> list[Json]:
    questions: list[Json] = [
        [q.id, dict(q.inputs), q.ask, q.call, q.holdout, list(q.options), q.right, dict(q.wrong)]
        for q in insight.questions
    ]
    mutants: list[Json] = [[m.id, m.mutant] for m in insight.misconceptions]
    own: list[Json] = [insight.id, insight.anchor, insight.ask, insight.call, insight.within, list(insight.options)]
    # What came later has no part where it is not used, so that the hash stays what it was.
    kept: list[Json] = [["keep", *insight.keep]] if insight.keep else []
    yours: list[Json] = [["yours", insight.yours]] if insight.yours else []
    return [*own, *kept, *yours, questions, mutants]
