"""Measures a command that trains the same model on the same names, one a step.

What it takes to begin is not counted: it is run with few steps and with several times as many, in turns, and the
difference of the least CPU seconds of each is what the further steps took.
"""

import shlex
from pathlib import Path

from microgpt.bench.measure import ROUNDS, Measurement, tokens_a_document, yardstick_steps_per_s
from microgpt.bench.processes import Probe, ProbeError, Usage, run_command
from microgpt.data import load_dataset
from microgpt.errors import ConfigError

NAME = "--against"
FEWEST, MOST = 8, 10**6  # steps of a short run
TIMES = 4  # a long run has so many times as many


def measure_command(command: str, folder: Path, seconds: float, yardstick: Probe) -> Measurement:
    """Measure a command.

    Args:
        command: as typed, with "{data}" where the file of names stands and "{steps}" for their number.
        folder: an empty one, for that file.
        seconds: for which it is measured, at least.

    Raises:
        ConfigError: if a place is not named, or the command fails, or takes no longer for more steps.
    """
    words_of(command)
    data = folder / "names.txt"
    data.write_text("\n".join(load_dataset("names").documents) + "\n", encoding="utf-8")
    steps = FEWEST
    while _run(command, data, TIMES * steps).cpu_s - _run(command, data, steps).cpu_s < seconds / ROUNDS:
        steps *= 2
        if steps > MOST:
            raise _refused(command, f"{steps:,} steps take as long as half of them. Does it heed {{steps}}?")
    short, long, beside = list[Usage](), list[Usage](), list[float]()
    for _ in range(ROUNDS):
        beside.append(yardstick_steps_per_s(yardstick))
        short.append(_run(command, data, steps))
        long.append(_run(command, data, TIMES * steps))
    taken = min(usage.cpu_s for usage in long) - min(usage.cpu_s for usage in short)
    if taken <= 0:
        raise _refused(command, "its times swing more than its steps take. Try --seconds 10.")
    steps_per_s = (TIMES - 1) * steps / taken
    return Measurement(
        name=NAME,
        described=command,
        batch=1,
        steps_per_s=steps_per_s,
        documents_per_s=steps_per_s,
        tokens_per_s=steps_per_s * tokens_a_document(),
        peak_bytes=max(usage.peak_bytes for usage in long),
        start_s=None,
        yardstick_steps_per_s=max(beside),
    )


def words_of(command: str) -> list[str]:
    """Return a command's words, the places still in them.

    Raises:
        ConfigError: if it does not name both places.

    >>> words_of("python3 fast.py {data} --steps={steps}")
    ['python3', 'fast.py', '{data}', '--steps={steps}']
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"the command {command!r} cannot be read: {error}. Try closing its quotes.") from None
    if "{data}" not in command or "{steps}" not in command:
        raise ConfigError(
            f"the command {command!r} must be told the file of names and how many steps to make. "
            "Try: --against 'python3 fast.py {data} {steps}'"
        )
    return words


def _run(command: str, data: Path, steps: int) -> Usage:
    places = (("{data}", str(data)), ("{steps}", str(steps)))
    words = words_of(command)
    for place, value in places:
        words = [word.replace(place, value) for word in words]
    try:
        return run_command(words)
    except ProbeError as error:
        raise _refused(command, f"{error}. Try it by itself first.") from None


def _refused(command: str, why: str) -> ConfigError:
    return ConfigError(f"the command {command!r} cannot be measured: {why}")
