"""``course.lock.json``: every answer of a course, computed once, with the hashes that it holds for.

A lesson needs the lock alone and starts at once; only what is stale is made anew. One question stands on one line, so
that a diff of the file says which answers moved.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from microgpt.errors import CourseError
from microgpt.insights.answers import compute_answers
from microgpt.insights.course import Course
from microgpt.insights.insight import Insight
from microgpt.insights.locked import Answer, Fault, Lock, LockedInsight, LockedQuestion
from microgpt.insights.question import Kind
from microgpt.insights.subject import digest, symbol_text, tree_text
from microgpt.sandbox import Json

__all__ = [
    "Fault",
    "Lock",
    "LockedInsight",
    "LockedQuestion",
    "lock_path",
    "make_lock",
    "read_lock",
    "stale",
    "write_lock",
]

FORMAT = "microgpt/lock/1"
RECIPE = 1  # counted up where the same course gets other questions or answers than before: then every lock is stale
_MAX_BYTES = 32_000_000


def lock_path(folder: Path) -> Path:
    """Return where the lock of a course stands."""
    return folder / "course.lock.json"


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
    kept = {locked.id: locked for locked in held if hashes.get(locked.id) == locked.hash}
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
    return Lock(course=course.id, insights={name: kept.get(name) or made[name] for name in course.insights}), errors


def stale(course: Course, lock: Lock) -> tuple[str, ...]:
    """Return the insights whose answers the lock does not hold, and those it holds that are no longer there."""
    hashes = _hashes(course)
    held = {name: locked.hash for name, locked in lock.insights.items()}
    return tuple(name for name in dict.fromkeys([*hashes, *held]) if hashes.get(name) != held.get(name))


def anchor_hash(course: Course, insight: Insight) -> str:
    """Return the hash of the code that an insight is about; empty where there is none."""
    try:
        return digest(symbol_text(course.subject_source, insight.anchor)) if insight.anchor else ""
    except CourseError:
        return ""


def read_lock(folder: Path) -> Lock:
    """Read the lock of a course; whether it is stale is for `stale` to say.

    Raises:
        CourseError: there is none, or it is no lock of this format.
    """
    path = lock_path(folder)
    hint = f"Try: microgpt course lock {folder}"
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CourseError(f"larger than any lock. {hint}", path=str(path))
        return _decode(json.loads(path.read_bytes(), parse_constant=_refuse_constant))
    except FileNotFoundError:
        raise CourseError(f"the answers are not computed yet. {hint}", path=str(path)) from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        message = f"damaged, or of another version ({type(error).__name__}: {str(error)[:60]}). {hint}"
        raise CourseError(message, path=str(path)) from None
    except OSError as error:
        raise CourseError(f"cannot be read: {error.strerror}. {hint}", path=str(path)) from None


def write_lock(lock: Lock, folder: Path) -> None:
    """Write a lock beside its course; killed half-way, the one before is still whole.

    Raises:
        CourseError: the folder cannot be written to, or the disk is full.
    """
    path = lock_path(folder)
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
            temporary = file.name
            file.write(render_lock(lock))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # a temporary file is its owner's alone; a lock is shared
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        message = f"cannot be written: {error.strerror}; the lock before is still whole. Try making room or a copy."
        raise CourseError(message, path=str(path)) from None


def render_lock(lock: Lock) -> str:
    """Return the text of a lock's file: the same lock gives the same bytes."""
    insights = [
        f" {_line(name)}: {{\n"
        f'  "hash": {_line(locked.hash)}, "anchor_hash": {_line(locked.anchor_hash)}, "questions": [\n'
        + ",\n".join(f"   {_line(_encode(question))}" for question in locked.questions)
        + "\n  ]}"
        for name, locked in lock.insights.items()
    ]
    head = f'{{"format": {_line(FORMAT)}, "course": {_line(lock.course)}, "insights": {{\n'
    return head + ",\n".join(insights) + "\n}}\n"


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _hashes(course: Course) -> dict[str, str]:
    """Return, by insight, the hash of all that its answers depend on; comments do not count."""
    code = [tree_text(course.subject_source), tree_text(course.helpers)]
    return {name: digest(_line([FORMAT, RECIPE, *code, *_parts(insight)])) for name, insight in course.insights.items()}


def _parts(insight: Insight) -> list[Json]:
    questions: list[Json] = [
        [q.id, dict(q.inputs), q.ask, q.call, q.holdout, list(q.options), q.right, dict(q.wrong)]
        for q in insight.questions
    ]
    mutants: list[Json] = [[m.id, m.mutant] for m in insight.misconceptions]
    own: list[Json] = [insight.id, insight.anchor, insight.ask, insight.call, insight.within, list(insight.options)]
    return [*own, questions, mutants]


def _encode(question: LockedQuestion) -> dict[str, Json]:
    """Return a question as JSON; a fault is an object, which no answer is."""
    return {
        "id": question.id,
        "call": question.call,
        "ask": question.ask,
        "inputs": dict(question.inputs),
        "kind": question.kind,
        "shape": list(question.shape),
        "options": list(question.options),
        "key": question.key,
        "answers": {
            name: {"fault": answer.kind, "detail": answer.detail} if isinstance(answer, Fault) else answer
            for name, answer in question.answers.items()
        },
        "shows": list(question.shows),
        "holdout": question.holdout,
        "parallel": question.parallel,
        "walk": [[place, name, value] for place, name, value in question.walk],
    }


def _decode(data: Json) -> Lock:
    """Return the lock that a file's JSON says; raise a `TypeError`, `KeyError` or `ValueError` where it says none."""
    top = _mapping(data)
    if top.get("format") != FORMAT:
        raise ValueError(f"format {top.get('format')!r} instead of {FORMAT!r}")
    insights = {name: _decode_insight(name, _mapping(value)) for name, value in _mapping(top["insights"]).items()}
    return Lock(course=_text(top["course"]), insights=insights)


def _decode_insight(name: str, data: Mapping[str, Json]) -> LockedInsight:
    return LockedInsight(
        id=name,
        hash=_text(data["hash"]),
        anchor_hash=_text(data["anchor_hash"]),
        questions=tuple(_decode_question(_mapping(question)) for question in _list(data["questions"])),
    )


def _decode_question(data: Mapping[str, Json]) -> LockedQuestion:
    kind = _text(data["kind"])
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r}")
    return LockedQuestion(
        id=_text(data["id"]),
        call=_text(data["call"]),
        ask=_text(data["ask"]),
        inputs=_mapping(data["inputs"]),
        kind=cast(Kind, kind),
        shape=tuple(_whole(size) for size in _list(data["shape"])),
        options=tuple(_text(option) for option in _list(data["options"])),
        key=data["key"],
        answers={name: _decode_answer(answer) for name, answer in _mapping(data["answers"]).items()},
        shows=tuple(_text(name) for name in _list(data["shows"])),
        holdout=data["holdout"] is True,
        parallel=data["parallel"] is True,
        walk=tuple((_whole(place), _text(name), value) for place, name, value in map(_list, _list(data["walk"]))),
    )


def _decode_answer(answer: Json) -> Answer:
    if isinstance(answer, dict):
        return Fault(kind=_text(answer["fault"]), detail=_text(answer["detail"]))
    return answer


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, not {str(value)[:20]}")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {str(value)[:20]}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {str(value)[:20]}")
    return value


def _whole(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a whole number was expected, not {str(value)[:20]}")
    return value


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
