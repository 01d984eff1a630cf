"""``course.lock.json`` as a file: written so that it is whole at any moment, read as if a stranger had written it.

One question stands on one line, so that a diff of the file says which answers moved.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from microgpt.errors import CourseError
from microgpt.insights.locked import Answer, Experiment, Fault, Lock, LockedInsight, LockedQuestion, Verdict
from microgpt.insights.question import Kind, is_number
from microgpt.sandbox import Json
from microgpt.sandbox.inside.plain import NotPlainError, to_json

FORMAT = "microgpt/lock/1"
_MAX_BYTES = 32_000_000


def lock_path(folder: Path) -> Path:
    """Return where the lock of a course stands."""
    return folder / "course.lock.json"


def read_lock(folder: Path) -> Lock:
    """Read the lock of a course; whether it is stale is for `stale` to say.

    Raises:
        CourseError: there is none, or it is no lock of this format.
    """
    path = lock_path(folder)
    hint = f"Try: microgpt course lock {folder}"
    try:
        size = path.stat().st_size
        if not path.is_file():  # to read a pipe would be to wait for ever
            raise CourseError(f"no file. {hint}", path=str(path))
        if size > _MAX_BYTES:
            raise CourseError(f"larger than any lock. {hint}", path=str(path))
        return _decode(json.loads(path.read_bytes(), parse_constant=_refuse_constant))
    except FileNotFoundError:
        raise CourseError(f"the answers are not computed yet. {hint}", path=str(path)) from None
    except (KeyError, TypeError, ValueError, NotPlainError, RecursionError) as error:
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
        message = f"cannot be written: {error.strerror}; the lock before is still whole. Try making room or a copy."
        raise CourseError(message, path=str(path)) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)  # it is still there if the disk was full, or after Ctrl-C


def render_lock(lock: Lock) -> str:
    """Return the text of a lock's file: the same lock gives the same bytes."""
    insights = [
        f" {_line(name)}: {{\n"
        f'  "hash": {_line(locked.hash)}, "anchor_hash": {_line(locked.anchor_hash)}, "questions": [\n'
        + ",\n".join(f"   {_line(_encode(question))}" for question in locked.questions)
        + f"\n  ]{_experiments_text(locked)}}}"
        for name, locked in lock.insights.items()
    ]
    head = f'{{"format": {_line(FORMAT)}, "course": {_line(lock.course)}, "insights": {{\n'
    return head + ",\n".join(insights) + "\n}}\n"


def _experiments_text(locked: LockedInsight) -> str:
    """Return the rest of an insight's text: an experiment a line, or nothing where there is none."""
    lines = [f"   {_line(name)}: {_line(_encode_experiment(found))}" for name, found in locked.experiments.items()]
    return ', "experiments": {\n' + ",\n".join(lines) + "\n  }" if lines else ""


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


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


def _encode_experiment(found: Experiment) -> dict[str, Json]:
    return {name: value for name, value in vars(found).items() if value is not None}


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
        questions=tuple(_decode_question(_mapping(to_json(question))) for question in _list(data["questions"])),
        experiments={
            belief: _decode_experiment(_mapping(found))
            for belief, found in _mapping(data.get("experiments", {})).items()
        },
    )


def _decode_experiment(data: Mapping[str, Json]) -> Experiment:
    verdict = _text(data["verdict"])
    if verdict not in get_args(Verdict):
        raise ValueError(f"verdict {verdict!r}")
    numbers = [_number_or_none(data.get(name)) for name in ("difference", "low", "high")]
    if numbers.count(None) not in (0, len(numbers)):
        raise ValueError("a difference without its interval")
    difference, low, high = numbers
    return Experiment(
        hash=_text(data["hash"]), verdict=cast(Verdict, verdict), difference=difference, low=low, high=high
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
    if not isinstance(value, int) or value < 0:
        raise TypeError(f"a whole number was expected, not {str(value)[:20]}")
    return value


def _number_or_none(value: Json) -> float | None:
    if value is not None and not is_number(value):
        raise TypeError(f"a number was expected, not {str(value)[:20]}")
    return value


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
