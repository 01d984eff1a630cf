"""Every error a user can meet, in one tree.

    MicroGPTError
    ├── ConfigError       a setting that cannot work; names the setting and the fix
    ├── DataError         a text file that cannot be trained on; names the file
    ├── CheckpointError   a run folder that cannot be read or written; what was there is still whole
    ├── TraceError        a trace or a plot of a run cannot be read or written; the run is not lost
    ├── PortError         a program that is to be checked gives no answer; names what it did instead
    ├── MissingExtra      an optional dependency is not installed; names the pip command
    ├── CourseError       a file of a course breaks the format; carries path, line and column
    ├── SandboxError      code that is not ours cannot be contained here; says what is missing
    ├── StoreError        the learner's record cannot be read or written; the old file is kept
    └── LessonError       a lesson tool was called out of turn; says which call is open

A message says what was given, why it cannot work, and one thing to try. The command line prints it without a
traceback and exits with 2.
"""

from importlib import metadata

DISTRIBUTION = "microgpt-tutor"


class MicroGPTError(Exception):
    """A user's mistake, or a circumstance a user can change; the message is for them."""


class ConfigError(MicroGPTError):
    """A setting that cannot work."""


class DataError(MicroGPTError):
    """A text file that cannot be trained on."""


class CheckpointError(MicroGPTError):
    """A run folder that cannot be read or written."""


class TraceError(MicroGPTError):
    """A trace or a plot of a run cannot be read or written."""


class PortError(MicroGPTError):
    """A program that is to be checked gives no answer that could be checked."""


class CourseError(MicroGPTError):
    """A file of a course breaks the format.

    Args:
        message: what is wrong and what to try.
        path: the file, as the user would name it.
        line, column: counted from 1; 0 where the whole file is meant.
    """

    def __init__(self, message: str, *, path: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message, self.path, self.line, self.column = message, path, line, column

    def __str__(self) -> str:
        place = ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])
        return f"{place}: {self.message}" if self.path else self.message


class SandboxError(MicroGPTError):
    """Code that is not ours cannot be contained on this machine."""


class StoreError(MicroGPTError):
    """The learner's record cannot be read or written."""


class LessonError(MicroGPTError):
    """A lesson tool was called out of turn; the text is written so that a model can correct its call."""


class MissingExtra(MicroGPTError):  # noqa: N818  (it reads as what it is)
    """An optional dependency is not installed.

    Args:
        module: what could not be imported, such as ``torch``.
        extra: the extra of this distribution that brings it.
        purpose: what the user wanted, as the start of a sentence: "The torch engine".
    """

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {module}, which is not installed. Try: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the pip command that brings an extra, checked against the package's own metadata.

    >>> install_command("torch")
    "pip install 'microgpt-tutor[torch]'"
    """
    known = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    if extra not in known:
        raise KeyError(f"{extra!r} is no extra of {DISTRIBUTION}: {sorted(known)}")
    return f"pip install '{DISTRIBUTION}[{extra}]'"
