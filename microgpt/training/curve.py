"""The losses of a run, smoothed: one batch's loss jumps about, the mean of many shows where it goes."""

import math
import statistics
from collections.abc import Sequence
from itertools import accumulate, pairwise

RECENT = 100  # steps
BARS = "▁▂▃▄▅▆▇█"


def recent_loss(losses: Sequence[float]) -> float:
    """Return the mean over the last `RECENT` steps, or what there is of them, in nats a token."""
    return statistics.fmean(losses[-RECENT:])


def running_mean(losses: Sequence[float]) -> list[float]:
    """Return what `recent_loss` was after each step."""
    sums = [0.0, *accumulate(losses)]
    starts = [max(end - RECENT, 0) for end in range(1, len(sums))]
    return [(sums[end] - sums[start]) / (end - start) for end, start in enumerate(starts, 1)]


def sparkline(losses: Sequence[float], most: int) -> str:
    """Draw the losses in a text of at most so many characters, each for the mean of a stretch of the steps.

    >>> sparkline([5, 3, 3, 1, 1, 1], 3)
    '█▃▁'
    """
    count = min(most, len(losses))
    ends = [i * len(losses) // count for i in range(count + 1)]
    heights = [statistics.fmean(losses[start:end]) for start, end in pairwise(ends)]
    if not all(map(math.isfinite, heights)):
        return ""
    low, high = min(heights), max(heights)
    return "".join(BARS[round((height - low) / (high - low or 1) * (len(BARS) - 1))] for height in heights)
