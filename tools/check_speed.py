"""Report how many times faster than microgpt.py the reference trains, judged by the yardstick of this machine.

    python tools/check_speed.py

On a shared machine a limit would be a coin toss, so nothing fails here. The yardstick and the reference take turns, and
of each the fastest round counts: other programs can only slow one down. Both are timed in CPU seconds.
"""

import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from microgpt import reference

TESTS = Path(__file__).parent.parent / "tests"
ROUNDS = 5
STEPS = 200  # of the reference, a round
MICROGPT_PY = 2.3  # its step takes so many of the yardstick's; the yardstick's docstring says how sure that is


def load_yardstick() -> Callable[[], tuple[float, int]]:
    """Return the yardstick's function, which gives seconds and nodes a step."""
    return cast(Callable[[], tuple[float, int]], runpy.run_path(str(TESTS / "yardstick.py"))["seconds_a_step"])


def reference_seconds_a_step(docs: list[str]) -> float:
    """Return the CPU seconds of one step of `reference.train`, set-up included."""
    start = time.process_time()
    reference.train(docs, STEPS, report=lambda line: None)
    return (time.process_time() - start) / STEPS


def main() -> None:
    yardstick_seconds_a_step = load_yardstick()
    docs = reference.read_documents(str(TESTS / "golden" / "names.txt"))
    rounds = [(yardstick_seconds_a_step()[0], reference_seconds_a_step(docs)) for _ in range(ROUNDS)]
    yardstick, ours = (min(seconds) for seconds in zip(*rounds, strict=True))
    print(f"yardstick     {1 / yardstick:8.1f} steps/s")
    print(f"microgpt.py   {1 / yardstick / MICROGPT_PY:8.1f} steps/s, estimated from the yardstick")
    print(f"reference     {1 / ours:8.1f} steps/s")
    print(f"times faster  {yardstick * MICROGPT_PY / ours:8.1f}")


if __name__ == "__main__":
    main()
