"""One thing that lint has to say, with its place and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from microgpt.errors import CourseError
from microgpt.insights.insight import Insight


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding.

    Args:
        path, line, column: where, counted from 1; 0 means the whole file, or the whole line.
        rule: a short fixed name, for tools.
        remedy: one thing to try.
    """

    path: str
    line: int
    column: int
    severity: Literal["error", "warning"]
    rule: str
    message: str
    remedy: str

    @classmethod
    def of(cls, error: CourseError, rule: str) -> "Finding":
        """Return an error of reading or running as a finding; our messages end with "Try ..."."""
        message, _, remedy = error.message.partition(" Try")
        return cls(
            path=error.path,
            line=error.line,
            column=error.column,
            severity="error",
            rule=rule,
            message=message,
            remedy="Try" + remedy if remedy else "",
        )

    @classmethod
    def at(
        cls, insight: Insight, key: str, rule: str, message: str, remedy: str, *, warning: bool = False
    ) -> "Finding":
        """Return a finding that points at a key of an insight, such as ``questions.tiny.lr``."""
        return cls(
            path=insight.path,
            line=insight.lines[key],
            column=insight.columns[key],
            severity="warning" if warning else "error",
            rule=rule,
            message=message,
            remedy=remedy,
        )
