"""The rules of lint that need no answers, one a function: what is wrong with a page as it is written."""

import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from os.path import isfile  # unlike Path's, it takes a name that no file can have

from microgpt.errors import CourseError
from microgpt.insights.course import Course
from microgpt.insights.finding import Finding
from microgpt.insights.insight import Insight
from microgpt.insights.subject import symbol_source

PLACEHOLDER = "TODO"  # what `microgpt insight new` writes where only the educator has the words
_LONGEST_CLAIM = 25  # words
_FEWEST_TAUGHT_WITH = 2  # a question is never asked twice in a row
_DEFINED = re.compile(r"^(?:async )?(?:def|class) (\w+)", re.MULTILINE)
_FIGURE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")


def check_page(course: Course, insight: Insight) -> Iterator[Finding]:
    """Yield everything that is wrong with an insight's words, symbols and figures."""
    for rule in (_unwritten, _claim, _symbols, _too_few_questions, _figures, _missing_parts):
        yield from rule(course, insight)


def _unwritten(course: Course, insight: Insight) -> Iterator[Finding]:
    for key, text in texts_of(insight):
        if PLACEHOLDER in text:
            said = " ".join(text.partition(PLACEHOLDER)[2].split())[:60]
            message = f"{key.rpartition('.')[2]!r} still waits for your words: {said}"
            yield Finding.at(insight, key, "placeholder", message, f"Try replacing {PLACEHOLDER} and what follows it.")


def texts_of(insight: Insight) -> Iterator[tuple[str, str]]:
    """Yield (key, text) for all that an educator writes for a learner to read, options and answers aside."""
    for key in ("claim", "ask", "skip", "text", "breaks"):
        if text := getattr(insight, key):
            yield key, text
    for question in insight.questions:
        if question.ask:
            yield f"questions.{question.id}.ask", question.ask
    for belief in insight.misconceptions:
        yield f"misconceptions.{belief.id}.belief", belief.belief
        if belief.reply:
            yield f"misconceptions.{belief.id}.reply", belief.reply


def _claim(course: Course, insight: Insight) -> Iterator[Finding]:
    words = len(insight.claim.split())
    if words > _LONGEST_CLAIM:
        message = f"the claim has {words} words; one that is remembered has at most {_LONGEST_CLAIM}."
        yield Finding.at(insight, "claim", "claim-long", message, "Try saying the one thing that matters.")


def _symbols(course: Course, insight: Insight) -> Iterator[Finding]:
    anchors = [("anchor", insight.anchor)] if insight.anchor else []
    for key, symbol in [*anchors, *((f"show.{i}", name) for i, name in enumerate(insight.show))]:
        try:
            symbol_source(course.subject_source, symbol)
        except CourseError:
            message = f"there is no {symbol!r} in {course.subject or 'the course, which has no subject'}."
            close = get_close_matches(symbol, _DEFINED.findall(course.subject_source), n=1)
            other = "the name of a function or class there, or FUNCTION.NAME for a statement"
            remedy = f"Try {close[0] if close else other}."
            yield Finding.at(insight, key, "anchor-missing", message, remedy)
    if not insight.anchor and (insight.call or any(q.call for q in insight.questions)):
        message = "no anchor says which part of the subject this is about."
        yield Finding.at(insight, "id", "anchor-missing", message, "Try  anchor: NAME-OF-A-FUNCTION")


def _too_few_questions(course: Course, insight: Insight) -> Iterator[Finding]:
    taught_with = sum(not question.holdout for question in insight.questions)
    if taught_with < _FEWEST_TAUGHT_WITH:
        message = f"{taught_with} question may be taught with, and none is asked twice in a row."
        yield Finding.at(insight, "questions", "few-questions", message, "Try another one, without `holdout: true`.")


def _figures(course: Course, insight: Insight) -> Iterator[Finding]:
    for key, text in (("text", insight.text), ("breaks", insight.breaks)):
        for figure in _FIGURE.finditer(text):
            shows, file = figure.groups()
            if "/" in file or "\\" in file or not isfile(course.folder / file):
                message, remedy = f"there is no figure {file[:60]!r} beside the page.", "Try the name of a file there."
            elif not shows.strip():
                message = f"the figure {file!r} says nothing to those who cannot see it."
                remedy = f"Try  ![what it shows]({file})"
            else:
                continue
            finding = Finding.at(insight, key, "figure", message, remedy)
            yield replace(finding, line=finding.line + text.count("\n", 0, figure.start()))


def _missing_parts(course: Course, insight: Insight) -> Iterator[Finding]:
    if not insight.skip:
        message = "no `skip:` says what to leave out, so a tutor may wander."
        yield Finding.at(insight, "id", "no-skip", message, "Try  skip: what beginners can do without", warning=True)
    if not insight.breaks:
        message = "no '## Where it breaks' says what this simplification hides."
        remedy = "Try one or two sentences under that heading."
        yield Finding.at(insight, "text", "no-breaks", message, remedy, warning=True)
