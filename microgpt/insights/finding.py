"""One thing that lint has to say, with its place and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from microgpt.errors import CourseError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding.

    Args:
        path, line: where; line 0 means the whole file.
        rule: a short fixed name, for tools.
        remedy: one thing to try.
    """

    path: str
    line: int
    severity: Literal["error", "warning"]
    rule: str
    message: str
    remedy: str

    @classmethod
    def of(cls, error: CourseError, rule: str) -> "Finding":
        """Return an error of reading or running as a finding; our messages end with "Try ..."."""
        message, _, remedy = error.message.partition(" Try")
        remedy = "Try" + remedy if remedy else ""
        return cls(path=error.path, line=error.line, severity="error", rule=rule, message=message, remedy=remedy)
