"""What ``microgpt train`` shows while it runs: one live line, or a line for every tenth, or a JSON object a step."""

import json
import math
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.loop import Step
    from microgpt.training.run import Run

LIVE_SECONDS = 0.1  # of training, between two pictures of the live line
WIDEST = 79  # columns: fits every terminal, beside its last column, in which a line would wrap
WIDEST_LIVE = 99  # of the line that is redrawn: where the terminal has them, the curve gets more room
SHORTEST, LONGEST = 4, 24  # columns of the curve in the line


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast it went since the command was started: steps made, tokens predicted, seconds of training for both."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def after(self, step: "Step", seconds: float) -> "Pace":
        """Return the pace with one step more."""
        return Pace(steps=self.steps + 1, tokens=self.tokens + step.tokens, seconds=self.seconds + seconds)

    @property
    def steps_per_s(self) -> float:
        return self.steps / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


def utilization(run: "Run", pace: Pace) -> float | None:
    """Return the model's FLOPs utilization (MFU), from 0 to 1: of what the device could compute, the part that the
    model needed (Chowdhery et al. 2022, appendix B); None where it is not known what the device could.
    """
    from microgpt.config import flops_per_token

    if run.engine.peak_flops is None or not pace.tokens:
        return None
    time = round(pace.tokens / (pace.steps * run.config.training.batch))
    return pace.tokens_per_s * flops_per_token(run.config.model, time) / run.engine.peak_flops


class Progress:
    """Shows a run under way.

    Args:
        as_json: an object a step on stdout.
        live: one line that is redrawn; else a line for every tenth of the steps.
    """

    def __init__(self, run: "Run", *, as_json: bool, live: bool) -> None:
        self._run, self._as_json, self._live = run, as_json, live
        self._drawn = 0.0  # seconds of training, when the live line was drawn last
        self._pace = Pace()

    def show(self, step: "Step", pace: Pace, sample: str | None) -> None:
        """Show a step that was made, and what the model wrote after it, if it was asked to."""
        from microgpt.training.run import is_tenth

        steps = self._run.config.training.steps
        if self._as_json:
            written = {} if sample is None else {"sample": sample}
            entry = {"format": "microgpt/step/1", "step": step.number, "loss": finite(step.loss), **written}
            click.echo(json.dumps(entry))
            return
        if sample is not None:
            line = f"{step.number:{len(str(steps))}}/{steps}  writes  {printable(sample)}"
            self._above(line if self._live else ascii_only(line))
        self._pace = pace
        if self._live and (pace.seconds - self._drawn > LIVE_SECONDS or pace.steps == 1):
            self._redraw()
            self._drawn = pace.seconds
        elif not self._live and is_tenth(step.number, steps):
            click.echo(progress_line(self._run, pace, width=WIDEST, curve=False))

    @contextmanager
    def line(self) -> Generator[None]:
        """Keep the live line open; at the end it stays, as it was after the last step."""
        try:
            yield
        finally:
            if self._live:
                if self._pace.steps:  # also after Ctrl-C, of which a terminal shows ^C, wrapped beside a full line
                    self._redraw()
                click.echo()

    def _redraw(self) -> None:
        width = min(_columns(), WIDEST_LIVE)
        click.echo("\r" + self._fitted(progress_line(self._run, self._pace, width=width, curve=True)), nl=False)

    def _above(self, text: str) -> None:
        click.echo("\r" + self._fitted(text[:WIDEST]) if self._live else text[:WIDEST])

    def _fitted(self, text: str) -> str:
        return text[: _columns()].ljust(_columns())


def progress_line(run: "Run", pace: Pace, *, width: int, curve: bool) -> str:
    """Return how far a run is: as many of its facts as fit, the most important first.

    Args:
        width: columns.
        curve: draw the losses so far where there is room for it; it is not ASCII.
    """
    from microgpt.training.curve import recent_loss, sparkline

    steps, done = run.config.training.steps, len(run.losses)
    seconds_left = (steps - done) / pace.steps_per_s if pace.steps_per_s else 0
    head = f"{done:{len(str(steps))}}/{steps}  loss {recent_loss(run.losses):.3f}"
    rate, left = f"{_rate(pace.tokens_per_s)} tok/s", f"{_clock(seconds_left)} left"
    facts = [guess(run), rate, left, _utilization(run, pace)]
    while facts and len("  ".join([head, *facts])) > width:
        facts.pop()
    room = min(width - len("  ".join([head, "", *facts])), LONGEST)
    picture = [sparkline(run.losses, room).ljust(room)] if curve and room >= SHORTEST else []
    return "  ".join([head, *picture, *facts])


def guess(run: "Run") -> str:
    """Return the loss of a model that knows nothing and gives every token the same share."""
    vocab_size = run.config.model.vocab_size
    return f"ln {vocab_size} = {math.log(vocab_size):.3f}"


def finite(number: float) -> float | None:
    """Return a number for JSON, which has none for what is not finite."""
    return number if math.isfinite(number) else None


def printable(text: str) -> str:
    """Escape what is not printable, line ends included: the data could hold a terminal's control codes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def ascii_only(text: str) -> str:
    """Escape what a terminal or a log without Unicode could not show."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _utilization(run: "Run", pace: Pace) -> str:
    part = utilization(run, pace)
    return "MFU unknown" if part is None else f"MFU {part:.0%}"  # of a CPU no data sheet says what it could do


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number < 1e4 else f"{number / 1e3:,.0f}k" if number < 1e6 else f"{number / 1e6:.4g}M"


def _columns() -> int:
    """Return how wide a line may be in this terminal: as wide as all of it, it would wrap and not be written over."""
    return shutil.get_terminal_size().columns - 1


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes < 6000 else f"{minutes // 1440} days"
