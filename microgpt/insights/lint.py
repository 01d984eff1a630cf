"""Mutation testing of teaching: every misconception must show itself, and no answer may stand in what is taught.

With a fresh lock nothing is run; with a stale one, or none, the answers are computed in the sandbox first. What is
checked stands in `page_rules` and, where it takes answers, in `rules`.
"""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from microgpt.errors import CourseError
from microgpt.insights.course import Course, read_course
from microgpt.insights.finding import Finding
from microgpt.insights.lock import build_lock, changed_anchors, read_lock, stale
from microgpt.insights.locked import Lock
from microgpt.insights.page_rules import check_page
from microgpt.insights.rules import check_answers, count_shown
from microgpt.insights.translation import check_translations
from microgpt.sandbox import Json

FORMAT = "microgpt/lint/1"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What lint found.

    Args:
        course: its id; empty where it could not be read.
        insights, misconceptions, questions: how many of each were checked.
        shown: of how many misconceptions that holds which has to hold of each; see `rules.count_shown`.
        findings: sorted by file and place.
        unreadable: there was no course to check.
        lock: ``fresh``, ``stale`` or ``missing``.
    """

    course: str
    insights: int
    misconceptions: int
    questions: int
    shown: Mapping[str, int]
    findings: tuple[Finding, ...]
    lock: str
    unreadable: bool = False

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 for none, 1 for errors, 2 where there was no course to check; warnings do not count."""
        return 2 if self.unreadable else int(self.errors > 0)

    def to_json(self) -> dict[str, Json]:
        """Return the report as one JSON object."""
        return {
            "format": FORMAT,
            "course": self.course,
            "insights": self.insights,
            "misconceptions": self.misconceptions,
            "questions": self.questions,
            "shown": dict(self.shown),
            "lock": self.lock,
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_text(self, width: int = 80) -> str:
        """Return the report for a terminal, findings under the file they are in, and a sum at the end."""
        lines: list[str] = []
        for path, findings in groupby(self.findings, key=lambda finding: finding.path):
            lines += [path, *(line for finding in findings for line in _told(finding, width))]
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        counted = [
            _count(self.insights, "insight"),
            _count(self.misconceptions, "misconception"),
            _count(self.questions, "question"),
        ]
        found = [_count(self.errors, "error"), _count(len(self.findings) - self.errors, "warning")]
        return f"{', '.join(counted)}: {', '.join(found)}."


def lint_course(folder: Path, *, trusted: bool = False) -> Report:
    """Check a course as far as it can be read.

    Args:
        trusted: the course's code may run where nothing can contain it.

    Raises:
        SandboxError: the lock is not fresh, and nothing here can contain the course's code.
    """
    try:
        course, unread = read_course(folder)
    except CourseError as error:
        return _unreadable(error)
    held, state = _held_lock(course)
    lock, failed = build_lock(course, trusted=trusted, old=held)
    findings = [Finding.of(error, "format") for error in unread]
    findings += [Finding.of(error, "answers") for error in failed]
    shown = Counter[str]()
    for name, insight in course.insights.items():
        findings += check_page(course, insight)
        findings += check_answers(insight, lock.insights[name].questions)
        shown.update(count_shown(insight, lock.insights[name].questions))
    findings += check_translations(course)
    findings += _changed_anchors(course, held)
    findings.sort(key=lambda finding: (finding.path, finding.line, finding.column))
    return Report(
        course=course.id,
        insights=len(course.insights),
        misconceptions=sum(len(i.misconceptions) for i in course.insights.values()),
        questions=sum(len(i.questions) for i in course.insights.values()),
        shown=shown,
        findings=tuple(findings),
        lock=state,
    )


def _unreadable(error: CourseError) -> Report:
    finding = Finding.of(error, "format")
    return Report(
        course="",
        insights=0,
        misconceptions=0,
        questions=0,
        shown={},
        findings=(finding,),
        lock="missing",
        unreadable=True,
    )


def _held_lock(course: Course) -> tuple[Lock | None, str]:
    """Return the lock that the course has, and whether it is fresh; a damaged one counts as none."""
    try:
        lock = read_lock(course.folder)
    except CourseError:
        return None, "missing"
    return lock, "stale" if stale(course, lock) else "fresh"


def _changed_anchors(course: Course, held: Lock | None) -> Iterator[Finding]:
    for name in changed_anchors(course, held) if held else ():
        insight = course.insights[name]
        message = f"{insight.anchor} changed since the answers were computed: does the text still hold?"
        remedy = f"Try reading it again, then: microgpt course lock {course.folder}"
        yield Finding.at(insight, "anchor", "anchor-changed", message, remedy, warning=True)


def _told(finding: Finding, width: int) -> Sequence[str]:
    place = ":".join(str(number) for number in (finding.line, finding.column) if number)
    head = f"{place:>7}  {finding.severity:<9}"
    indent = " " * len(head)
    lines = textwrap.wrap(finding.message, width - len(head)) or [""]
    remedy = textwrap.wrap(finding.remedy, width - len(head))
    return [head + lines[0], *(indent + line for line in (*lines[1:], *remedy))]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
