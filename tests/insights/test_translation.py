"""A page in another language: its words come from there, its numbers never do."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microgpt.content import content_folder
from microgpt.errors import CourseError
from microgpt.insights.course import load_course
from microgpt.insights.lint import lint_course
from microgpt.insights.lock import read_lock
from microgpt.insights.translation import in_language, translate, translations
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools

MEAN = "a-mean-is-a-fair-share"
GERMAN = """\
claim: Der Mittelwert ist das, was jeder bekäme, wenn alles gerecht geteilt würde.
ask: Was ist ihr Mittelwert?
skip: Mediane.
text: Alles auf einen Haufen, und wieder austeilen.
breaks: Vielleicht hat niemand den Mittelwert.
misconceptions:
  takes-the-middle:
    belief: Es ist die Zahl in der Mitte.
    reply: Was hätte dann die größte Zahl damit zu tun?
  forgets-to-share:
    belief: Es ist, was sie zusammen haben.
"""


def test_words_are_translated_and_what_is_computed_stays(folder: Path) -> None:
    own = load_course(folder).insights[MEAN]
    german = translate(own, GERMAN, "f.yaml")
    assert german.claim.startswith("Der Mittelwert")
    assert german.text == "Alles auf einen Haufen, und wieder austeilen."
    assert [m.belief for m in german.misconceptions] == [
        "Es ist die Zahl in der Mitte.",
        "Es ist, was sie zusammen haben.",
    ]
    assert german.questions == own.questions
    assert [(m.mutant, m.counter) for m in german.misconceptions] == [(m.mutant, m.counter) for m in own.misconceptions]
    assert (german.id, german.call, german.anchor) == (own.id, own.call, own.anchor)


def test_what_is_not_translated_stays_in_the_courses_own_language_and_lint_says_so(locked: Path) -> None:
    (locked / f"{MEAN}.de.yaml").write_text("claim: Gerecht geteilt.\n")
    course = load_course(locked)
    assert translations(course, "de")[MEAN].ask == course.insights[MEAN].ask
    found = lint_course(locked).findings
    assert [(f.rule, f.severity) for f in found] == [("untranslated", "warning")]
    assert "misconceptions.takes-the-middle.reply" in found[0].message
    (locked / f"{MEAN}.de.yaml").write_text(GERMAN)
    assert lint_course(locked).findings == ()


def test_a_lesson_is_taught_in_the_learners_language_and_its_plan_is_the_same(locked: Path) -> None:
    (locked / f"{MEAN}.de.yaml").write_text(GERMAN)
    turns = {}
    for language in ("en", "de", "fr"):
        with Store.in_memory() as store:
            store.save_learner(Profile(id="ada", name="", language=language))
            tools = LessonTools(store, clock=lambda: datetime(2026, 1, 5, tzinfo=UTC))
            turn = tools.start(str(locked), learner="ada")
            while turn.say["insight"] != MEAN or turn.move != "explain":
                turn = tools.skip(turn.lesson, turn.ask.ask_id) if turn.ask else tools.next(turn.lesson, turn.ack)
            turns[language] = turn
            after = tools.next(turn.lesson, turn.ack)
            assert after.ask is not None
            asked = "Was ist ihr Mittelwert?" if language == "de" else "What is their mean?"
            assert after.ask.text.endswith(asked)
            plans = [event.body for event in store.events(turn.lesson) if event.kind in ("turn", "ask")]
            turns[f"plan {language}"] = plans
    assert str(turns["de"].say["claim"]).startswith("Der Mittelwert")
    assert turns["fr"] == turns["en"]
    assert turns["plan de"] == turns["plan en"] == turns["plan fr"]


def test_a_question_that_the_lock_made_is_asked_as_the_one_it_was_made_from(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(content_folder("curriculum") / "microgpt", tmp_path / "microgpt"))
    page = "text-is-numbers"
    (folder / f"{page}.de.yaml").write_text("ask: Welche Zahlen?\nquestions:\n  how-many:\n    ask: Wie viele?\n")
    course, lock = in_language(load_course(folder), read_lock(folder), "de")
    asked = {question.id: question.ask for question in lock.insights[page].questions}
    assert course.insights[page].ask == "Welche Zahlen?"
    assert any("~" in name and ask == "Wie viele?" for name, ask in asked.items())
    for name, ask in asked.items():
        if name.partition("~")[0] == "how-many":
            assert ask == "Wie viele?"
        elif name.partition("~")[0] in ("banana", "cabin", "bandana"):
            assert ask == "Welche Zahlen?"


def test_an_error_in_a_page_is_not_told_of_its_translation_too(locked: Path) -> None:
    (locked / f"{MEAN}.de.yaml").write_text(GERMAN)
    page = locked / f"{MEAN}.md"
    page.write_text(page.read_text().replace("skip:", "skipp:"))
    assert {Path(f.path).name for f in lint_course(locked).findings if f.severity == "error"} == {f"{MEAN}.md"}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("claim:", "clam:", 1, "no text 'clam' to translate. Try claim."),
        ("misconceptions:", "misconception:", 6, "Try misconceptions."),
        ("  takes-the-middle:", "  takes-the-midle:", 7, "Try takes-the-middle."),
        ("    reply:", "    counter:", 9, "no text 'counter'"),
        ("skip: Mediane.", "questions: {three: {numbers: [1, 2]}}", 3, "input 'numbers' is never translated"),
        ("skip: Mediane.", "call: mean(zahlen)", 3, "no text 'call'"),
        ("skip: Mediane.", "skip: 5", 3, "is text, not 5"),
        ("skip: Mediane.", "questions: 5", 3, "lines of `name: value`"),
        ("skip: Mediane.", "skip: [", 5, "not YAML"),
    ],
)
def test_a_translation_of_what_is_not_there_is_an_error_at_its_place(
    locked: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in GERMAN
    (locked / f"{MEAN}.de.yaml").write_text(GERMAN.replace(old, new, 1))
    found = [finding for finding in lint_course(locked).findings if finding.severity == "error"]
    assert [(f.rule, f.path, f.line) for f in found] == [("translation", str(locked / f"{MEAN}.de.yaml"), line)]
    assert says in f"{found[0].message} {found[0].remedy}"
    assert found[0].remedy.startswith("Try")


def test_a_translation_of_no_insight_is_an_error(locked: Path) -> None:
    (locked / "a-mean.de.yaml").write_text("claim: Ja.\n")
    assert [f.message for f in lint_course(locked).findings] == ["no insight 'a-mean' to translate."]


def test_a_language_that_no_page_is_in_names_those_that_there_are(folder: Path) -> None:
    with pytest.raises(CourseError, match=r"Try adding ID\.de\.yaml beside a page"):
        translations(load_course(folder), "de")
    (folder / f"{MEAN}.fr.yaml").write_text("claim: Oui.\n")
    with pytest.raises(CourseError, match=r"is in 'de'\. Try fr\."):
        translations(load_course(folder), "de")
