"""Draws the losses of a run: the only home of matplotlib, which is imported when something is drawn."""

# pyright: reportUnknownMemberType=false
# matplotlib does not say what its keyword arguments are.

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from microgpt.errors import ConfigError, MissingExtra, TraceError
from microgpt.training.curve import RECENT, recent_loss, running_mean

BLUE, GREEN, GREY = "#0072B2", "#009E73", "#595959"  # of the forward pass; of what is right; of what is said about them
FORMATS = (".png", ".svg", ".pdf")
LABEL_HEIGHT = 0.06  # of the picture


def check_plot(path: Path) -> None:
    """Make sure, before time is spent on a training, that it can be drawn.

    Raises:
        MissingExtra: if matplotlib is not installed.
        ConfigError: if the file's name ends with none of `FORMATS`, or there is no folder for it.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtra("matplotlib", "plot", "A plot")
    if path.suffix not in FORMATS:
        raise ConfigError(f"{path} is no picture: its name must end with {' or '.join(FORMATS)}. Try --plot loss.png.")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} for the plot. Try --plot loss.png.")


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
    axes.set_title(title(last, guess), loc="left", fontsize=12)
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss, nats a token (thick: mean of {RECENT} steps)")
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_ylim()
    ends = {text: (value - low) / (high - low) for text, (value, _) in labels.items() if math.isfinite(value)}
    places = spread(ends, LABEL_HEIGHT)
    for text, place in places.items():  # beside the lines' ends: a legend would have to be looked up
        axes.annotate(text, (1, place), xytext=(8, 0), xycoords="axes fraction", textcoords="offset points",
                      color=labels[text][1], va="center")  # fmt: skip
    try:
        figure.savefig(path)
    except OSError as error:
        raise TraceError(f"the plot {path} cannot be written ({error.strerror}). Try another --plot.") from None


def title(loss: float, guess: float) -> str:
    """Say in a sentence what is to be seen.

    >>> title(2.25, 3.25)
    'The loss came to 2.250: 1.000 nats a token better than a guess'
    """
    if not math.isfinite(loss):
        return "The loss is no number any more: this training went wrong"
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
