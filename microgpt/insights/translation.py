"""``ID.de.yaml``: an insight's texts in another language; what is computed is never said twice.

    claim: Softmax macht aus Punkten Anteile.
    questions:
      high: {ask: Welche Anteile?}
    misconceptions:
      proportional: {belief: ..., reply: ...}
    text: |
      ...

Inputs, calls, mutants and answers have one home, the insight itself. Without code the answers are words too: those are
not translated yet, for a learner's evidence hangs on them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from microgpt.errors import CourseError
from microgpt.insights.course import Course
from microgpt.insights.finding import Finding
from microgpt.insights.insight import Insight
from microgpt.insights.locked import Lock, LockedQuestion
from microgpt.insights.page_rules import texts_of
from microgpt.insights.strict_yaml import Document, nearest, read_yaml
from microgpt.insights.subject import read_text

_KEYS = ("claim", "ask", "questions", "misconceptions", "skip", "text", "breaks")
_FILE = re.compile(r"(?P<id>[^.]+)\.(?P<language>[a-z]{2,3}(?:-[A-Z]{2})?)\.yaml")


def translate(insight: Insight, text: str, path: str) -> Insight:
    """Return an insight with the texts that a translation has, and its own where it has none.

    Raises:
        CourseError: the translation says something that is no text of this insight; points at the place.
    """
    doc = read_yaml(text, path=path)
    _check_keys(doc, insight)
    top = {key: doc.text(key) for key in _KEYS if key in doc.data and key not in ("questions", "misconceptions")}
    asks = {key: doc.text(key) for key, _ in _texts(insight, "questions") if key in doc.places}
    said = {key: doc.text(key) for key, _ in _texts(insight, "misconceptions") if key in doc.places}
    return replace(
        insight,
        **top,
        questions=tuple(replace(q, ask=asks.get(f"questions.{q.id}.ask", q.ask)) for q in insight.questions),
        misconceptions=tuple(
            replace(
                m,
                belief=said.get(f"misconceptions.{m.id}.belief", m.belief),
                reply=said.get(f"misconceptions.{m.id}.reply", m.reply),
            )
            for m in insight.misconceptions
        ),
    )


def translations(course: Course, language: str) -> Mapping[str, Insight]:
    """Return the insights of a course that are there in a language.

    Raises:
        CourseError: there are none, or one of them is wrong.
    """
    found = _translated(course, language)
    if not found:
        known = sorted({code for _, code, _ in _files(course)}) or [f"adding ID.{language}.yaml beside a page"]
        raise CourseError(f"no page of {course.id!r} is in {language!r}. Try {' or '.join(known)}.")
    return found


def in_language(course: Course, lock: Lock, language: str) -> tuple[Course, Lock]:
    """Return both with their texts in a language, as far as they are translated; as they are where nothing is.

    Raises:
        CourseError: a translation is wrong.
    """
    found = _translated(course, language)
    locked = {
        name: replace(held, questions=tuple(_asked(question, found[name]) for question in held.questions))
        if name in found
        else held
        for name, held in lock.insights.items()
    }
    return replace(course, insights={**course.insights, **found}), replace(lock, insights=locked)


def _asked(question: LockedQuestion, insight: Insight) -> LockedQuestion:
    """Return a question as a page asks it; one made by the lock, as the one that it was made from."""
    like = question.id.partition("~")[0]
    return replace(question, ask=next((q.ask for q in insight.questions if q.id == like and q.ask), insight.ask))


def _translated(course: Course, language: str) -> dict[str, Insight]:
    return {
        name: translate(course.insights[name], read_text(path, str(path)), str(path))
        for name, code, path in _files(course)
        if code == language and name in course.insights
    }


def check_translations(course: Course) -> Iterator[Finding]:
    """Yield what is wrong with a course's translations, and what they leave out."""
    for name, language, path in _files(course):
        try:
            if name not in course.insights and (course.folder / f"{name}.md").exists():
                continue  # what is wrong with that page is told there
            if name not in course.insights:
                message = f"no insight {name!r} to translate. {nearest(name, course.insights)}"
                raise CourseError(message, path=str(path))
            text = read_text(path, str(path))
            translate(course.insights[name], text, str(path))
            yield from _untranslated(course.insights[name], read_yaml(text, path=str(path)), language)
        except CourseError as error:
            yield Finding.of(error, "translation")


def _files(course: Course) -> Iterator[tuple[str, str, Path]]:
    """Yield (insight id, language, file) of everything that is named like a translation."""
    for path in sorted(course.folder.glob("*.*.yaml")):
        if match := _FILE.fullmatch(path.name):
            yield match["id"], match["language"], path


def _texts(insight: Insight, section: str) -> Iterator[tuple[str, str]]:
    return ((key, text) for key, text in texts_of(insight) if key.startswith(f"{section}."))


def _check_keys(doc: Document, insight: Insight) -> None:
    for section in ("questions", "misconceptions"):
        if section in doc.data:
            doc.mapping(section)
    inputs = {name for question in insight.questions for name in question.inputs}
    known = {key for key, _ in texts_of(insight)}
    sections = {"questions", "misconceptions", *(f"questions.{question.id}" for question in insight.questions)}
    sections |= {f"misconceptions.{belief.id}" for belief in insight.misconceptions}
    for key in doc.places:
        if key in known or key in sections:
            continue
        above, _, name = key.rpartition(".")
        if name in inputs and above.startswith("questions."):
            raise doc.error(key, f"the input {name!r} is never translated. Try deleting this line.")
        beside = [other.rpartition(".")[2] for other in known | sections if other.rpartition(".")[0] == above]
        hint = nearest(name, beside) if beside else "Try deleting this line."
        raise doc.error(key, f"{insight.id!r} has no text {name!r} to translate. {hint}")


def _untranslated(insight: Insight, doc: Document, language: str) -> Iterator[Finding]:
    left = [key for key, _ in texts_of(insight) if key not in doc.places]
    if left:
        message = f"{len(left)} texts are not in {language!r} yet: {', '.join(left)[:120]}."
        yield Finding(
            path=doc.path, line=0, column=0, severity="warning", rule="untranslated", message=message,
            remedy="Try adding them; until then a learner reads those in the course's own language.",
        )  # fmt: skip
