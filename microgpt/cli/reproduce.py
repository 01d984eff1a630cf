"""``microgpt reproduce``: every engine on the same work, as a proof that they are one function at several speeds."""

import json
import math
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from microgpt.cli import INTERRUPTED, program

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.reproduce import Missing, Reproduction

LIVE_SECONDS = 0.1  # between two pictures of the live line
HEADING = f"{'engine':9}  {'steps/s':>9}  {'ratio':>7}  {'last loss':>9}  {'difference':>10}  verdict"


@click.command(epilog="Example:  microgpt reproduce --steps 1000")
@click.option("--steps", type=int, default=100, show_default=True, help="How many; each reads a name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an engine on stdout.")
def reproduce(steps: int, as_json: bool) -> None:
    """Train with every engine that is installed, and compare.

    Each trains the reference's model on the bundled names, from the same weights, on the CPU in float64. The difference
    is the largest of a loss from the reference's, relative to it; up to 1e-09 it is the same function. Exits with 1 if
    one is not.
    """
    from microgpt.training.reproduce import Progress, Reproduction
    from microgpt.training.reproduce import reproduce as reproduce_all

    others = list[str]()
    live = sys.stderr.isatty()
    headed, drawn = as_json, 0.0
    try:
        for event in reproduce_all(steps, time.perf_counter):
            if not headed:
                click.echo(HEADING)
                headed = True
            if isinstance(event, Progress):
                if live and time.perf_counter() - drawn > LIVE_SECONDS:
                    _redraw(f"{event.engine}: step {event.done}/{steps}")
                    drawn = time.perf_counter()
                continue
            if live:
                _redraw("")
            click.echo(json.dumps(_to_json(event, steps)) if as_json else _row(event))
            if isinstance(event, Reproduction) and not event.same:
                others.append(event.engine)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    following = f"conform {others[0]}" if others else "bench"
    verdict = f"not the reference's function: {', '.join(others)}" if others else "all are one function"
    click.echo(f"{verdict}\nnext: {program()} {following}", err=as_json)
    raise SystemExit(1 if others else 0)


def _redraw(text: str) -> None:
    """Write over the line that was written before."""
    width = min(shutil.get_terminal_size().columns, 80) - 1  # a full line would wrap, and then not be written over
    click.echo(f"\r{text[:width].ljust(width)}\r", nl=False, err=True)


def _row(event: "Reproduction | Missing") -> str:
    from microgpt.training.reproduce import Missing

    if isinstance(event, Missing):
        return f"{event.engine:9}  {event.why}".replace(" Try: ", f"\n{'':9}  Try: ")
    verdict = "the same" if event.same else f"another, worst at step {event.at}"
    return (
        f"{event.engine:9}  {event.steps_per_s:9,.1f}  {event.ratio:7.2f}  {event.losses[-1]:9.4f}  "
        f"{event.difference:10.1e}  {verdict}"
    )


def _to_json(event: "Reproduction | Missing", steps: int) -> dict[str, object]:
    from microgpt.training.reproduce import Missing

    start: dict[str, object] = {"format": "microgpt/reproduction/1", "engine": event.engine, "steps": steps}
    if isinstance(event, Missing):
        return {**start, "installed": False, "why": event.why}
    return {
        **start,
        "installed": True,
        "described": event.described,
        "steps_per_s": event.steps_per_s,
        "ratio": event.ratio,
        "difference": event.difference if math.isfinite(event.difference) else None,
        "at": event.at,
        "same": event.same,
        "losses": [loss if math.isfinite(loss) else None for loss in event.losses],
    }
