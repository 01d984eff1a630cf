"""The command ``microgpt``: one file per command group, loaded only when that command runs.

A command parses, calls one public function, prints. Errors a user can mend end with one line and exit code 2.
"""

import importlib
import io
import shutil
import sys
from collections.abc import Sequence

import click

from microgpt import __version__
from microgpt.errors import MicroGPTError

INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C
_COMMANDS = {
    "tutor": ("microgpt.cli.tutor", "Be taught, in the terminal: no key, no account, no network."),
    "review": ("microgpt.cli.review", "Repeat what is due today."),
    "progress": ("microgpt.cli.progress", "Show what you have mastered, which mistakes recur, what is due."),
    "learner": ("microgpt.cli.learner", "Who learns here: list, show, edit, correct, export, forget."),
    "train": ("microgpt.cli.train", "Train a GPT on names, or on your own text."),
    "sample": ("microgpt.cli.sample", "Let a trained model write."),
    "eval": ("microgpt.cli.eval", "Measure a trained model on text that it never saw."),
    "compare": ("microgpt.cli.compare", "Put runs side by side: settings, losses, samples."),
    "bench": ("microgpt.cli.bench", "Measure how fast the engines are here."),
    "doctor": ("microgpt.cli.doctor", "Say what is installed, what is missing and what that costs."),
    "reproduce": ("microgpt.cli.reproduce", "Train with every engine: the same losses, at other speeds."),
    "conform": ("microgpt.cli.conform", "Check that an engine, or your own port, is the same function."),
    "simulate": ("microgpt.cli.simulate", "Try a teaching script on simulated learners."),
    "course": ("microgpt.cli.course", "Check and lock a course: lint, lock, show."),
    "insight": ("microgpt.cli.insight", "Write one idea of a course: new, preview."),
    "lesson": ("microgpt.cli.lesson", "The lesson tools, for agents: start, next, answer, ..."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help lines without importing their modules."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a Ctrl-C that it leaves to us ends it without a verdict: 1 means something else in many."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("microgpt: stopped.", err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        return getattr(module, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Start with:  microgpt tutor",
)
@click.version_option(__version__, prog_name="microgpt", message="%(prog)s %(version)s")
def app() -> None:
    """Learn how a GPT works, from 200 lines of Python and an agent that teaches them."""


def program() -> str:
    """Return what the user types for this command: its name, or, where that is not on the PATH, how it was called."""
    if shutil.which("microgpt"):
        return "microgpt"
    return "python -m microgpt" if sys.argv[0].endswith("__main__.py") else sys.argv[0]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; a `MicroGPTError` becomes one line on stderr and exit code 2."""
    stream: object = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal of few characters shows others as "?"
    try:
        app.main(args=argv, prog_name="microgpt")
    except MicroGPTError as error:
        click.echo(f"microgpt: {error}", err=True)
        sys.exit(2)
    except MemoryError:
        click.echo("microgpt: the memory is too small for this. Try a smaller model, or a smaller batch.", err=True)
        sys.exit(2)
