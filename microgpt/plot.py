"""Draws the losses of a run, and a learner's way: the only home of matplotlib, which is imported when it is needed."""

# pyright: reportUnknownMemberType=false
# matplotlib does not say what its keyword arguments are.

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from microgpt.errors import ConfigError, MissingExtra, TraceError
from microgpt.learner.answers import Answer, history
from microgpt.training.curve import RECENT, recent_loss, running_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, GREEN, GREY = "#0072B2", "#009E73", "#595959"  # of the forward pass; of what is right; of what is said about them
FORMATS = (".png", ".svg", ".pdf")
LABEL_HEIGHT = 0.06  # of the picture


def check_plot(path: Path) -> None:
    """Make sure, before time is spent on what is to be drawn, that it can be.

    Raises:
        MissingExtra: if matplotlib is not installed.
        ConfigError: if the file's name ends with none of `FORMATS`, or there is no folder for it.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtra("matplotlib", "plot", "A plot")
    if path.suffix not in FORMATS:
        raise ConfigError(
            f"{path} is no picture: its name must end with {' or '.join(FORMATS)}. Try --plot {path.stem}.png."
        )
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} for the plot. Try --plot {path.name}.")


def plot_losses(path: Path, losses: Sequence[float], *, vocab_size: int, val_loss: float | None = None) -> None:
    """Draw the loss against the steps, and what a guess would reach.

    Args:
        losses: of each step, in nats a token; at least one.
        vocab_size: V; a guess that is even over all tokens has the loss ln V.
        val_loss: after the last step, on what was held out.

    Raises:
        TraceError: if the file cannot be written.
    """
    from matplotlib.figure import Figure  # a figure of its own: pyplot would look for a screen

    guess, last = math.log(vocab_size), recent_loss(losses)
    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    steps = range(1, len(losses) + 1)
    axes.plot(steps, losses, color=BLUE, alpha=0.35, linewidth=0.6)
    axes.plot(steps, running_mean(losses), color=BLUE, linewidth=2.2)
    axes.axhline(guess, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)))
    labels = {f"guess: ln {vocab_size} = {guess:.3f}": (guess, GREY), f"training: {last:.3f}": (last, BLUE)}
    if val_loss is not None:
        axes.plot([len(losses)], [val_loss], color=GREEN, marker="D", markersize=7, clip_on=False, zorder=3)
        labels[f"held out: {val_loss:.3f}"] = (val_loss, GREEN)
    axes.set_xlim(0, len(losses))
    axes.set_title(title(last, guess, val_loss), loc="left", fontsize=12)
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss, nats a token (thick: mean of {RECENT} steps)")
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_ylim()
    ends = {text: (value - low) / (high - low) for text, (value, _) in labels.items() if math.isfinite(value)}
    places = spread(ends, LABEL_HEIGHT)
    for text, place in places.items():  # beside the lines' ends: a legend would have to be looked up
        axes.annotate(text, (1, place), xytext=(8, 0), xycoords="axes fraction", textcoords="offset points",
                      color=labels[text][1], va="center")  # fmt: skip
    _save(figure, path)


def plot_mastery(path: Path, labels: Mapping[str, str], answers: Sequence[Answer], *, title: str) -> None:
    """Draw how probable it was, answer by answer, that a learner had each idea: a row an idea, the darker the surer.

    Args:
        labels: of the ideas to be drawn, in order, by insight; those without an answer are left out.
        answers: in order; those that count are a column each, since days without a lesson would take all the room.

    Raises:
        TraceError: if the file cannot be written.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    steps = [(answer, knowledge.p) for answer, knowledge in history(answers) if answer.insight in labels]
    met = {answer.insight for answer, _ in steps}
    now = {name: math.nan for name in labels if name in met}  # nothing is drawn before an idea's first answer
    columns: list[tuple[float, ...]] = []
    for answer, p in steps:
        now[answer.insight] = p
        columns.append(tuple(now.values()))
    rows, grid = list(now), list(zip(*columns, strict=True))
    figure = Figure(figsize=(9, 1.5 + 0.28 * max(len(rows), 4)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    surer = LinearSegmentedColormap.from_list("surer", ["#F2F2F2", GREEN])
    if rows:
        edges = (0.5, len(steps) + 0.5, len(rows) - 0.5, -0.5)
        axes.imshow(grid, cmap=surer, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=edges)
    for number, row in enumerate(grid):
        axes.axhline(number + 0.5, color="white", linewidth=2)
        axes.annotate(f"{row[-1]:.0%}", (1, number), xytext=(6, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", color=GREY, va="center", fontsize=8)  # fmt: skip
    for first, day in _first_of_days([answer for answer, _ in steps]):
        axes.axvline(first - 0.5, color=GREY, linewidth=0.6)
        axes.annotate(day, (first - 0.5, 1), xytext=(2, 3), xycoords=("data", "axes fraction"),
                      textcoords="offset points", color=GREY, fontsize=8)  # fmt: skip
    axes.set_yticks(range(len(rows)), [labels[name] for name in rows], fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"answers, in order; dark green: sure that it is known ({len(steps)} answers in all)")
    axes.set_title(title, loc="left", fontsize=12, pad=16)
    axes.spines[:].set_visible(False)
    _save(figure, path)


def _first_of_days(answers: Sequence[Answer]) -> list[tuple[int, str]]:
    """Return the number, from 1, of the first answer of each day that there is room to name, and the day."""
    days: list[tuple[int, str]] = []
    for number, answer in enumerate(answers, 1):
        day = answer.time.date().isoformat()
        if not days or (day != answers[number - 2].time.date().isoformat() and number - days[-1][0] > len(answers) / 9):
            days.append((number, day))
    return days


def _save(figure: "Figure", path: Path) -> None:
    try:
        figure.savefig(path)
    except OSError as error:
        raise TraceError(f"the plot {path} cannot be written ({error.strerror}). Try another --plot.") from None


def title(loss: float, guess: float, val_loss: float | None = None) -> str:
    """Say in a sentence what is to be seen.

    Args:
        val_loss: on what was held out; None where nothing was.

    >>> title(2.25, 3.25)
    'The loss came to 2.250: 1.000 nats a token better than a guess'
    """
    if not math.isfinite(loss):
        return "The loss is no number any more: this training went wrong"
    if val_loss is not None and val_loss >= guess > loss:
        return f"The loss came to {loss:.3f} by heart: what was held out is no better than a guess"
    if loss < guess:
        return f"The loss came to {loss:.3f}: {guess - loss:.3f} nats a token better than a guess"
    return f"The loss is at {loss:.3f}: no better yet than a guess"


def spread(places: Mapping[str, float], gap: float) -> dict[str, float]:
    """Move labels up so that they lie at least a gap apart, in their order.

    >>> spread({"a": 0.5, "b": 0.0, "c": 0.51}, 0.25)
    {'b': 0.0, 'a': 0.5, 'c': 0.75}
    """
    moved, floor = dict[str, float](), -math.inf
    for text, place in sorted(places.items(), key=lambda item: item[1]):
        moved[text] = max(place, floor)
        floor = moved[text] + gap
    return moved
