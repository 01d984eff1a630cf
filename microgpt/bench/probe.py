"""What a fresh process does for a benchmark: it gets an engine ready, then works a round for each line that it reads.

    python -m microgpt.bench.probe '{"engine": "numpy", "device": "cpu", "dtype": "float32"}'
    python -m microgpt.bench.probe yardstick

Its first line on standard output says that it is ready, or why it cannot be. A line with a batch and seconds,
``[64, 0.4]``, asks for a round.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microgpt.bench import yardstick
from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.errors import ConfigError, MicroGPTError

if TYPE_CHECKING:  # they load numpy, and what loading takes is measured
    from microgpt.engines.base import Engine
    from microgpt.training.corpus import Documents

MODEL = GPTConfig(vocab_size=27)  # the reference's model; names have 26 letters
YARDSTICK_STEPS = 2  # a round: about a fifth of a second


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What is known before the first round.

    Args:
        described: who computes, where and with what numbers.
        start_s: CPU seconds from the start of the process until the engine could make a step: its imports, mostly.
    """

    described: str
    start_s: float | None


@dataclass(frozen=True, kw_only=True)
class Round:
    """A piece of work, the same documents every time, and what it took.

    Args:
        tokens: how many were predicted.
        seconds: of the CPU; on another device than that, of the clock on the wall.
        peak_bytes: the most memory that the process has held since it was started.
    """

    steps: int
    tokens: float
    seconds: float
    peak_bytes: int

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds


class EngineRounds:
    """Rounds of training: tokens are looked up, the loss goes forward and back, Adam moves the weights.

    Args:
        clock: gives seconds.
    """

    def __init__(self, engine: "Engine", documents: "Documents", clock: yardstick.Clock) -> None:
        self._engine, self._documents, self._clock = engine, documents, clock
        self._steps: dict[int, int] = {}  # by batch: how many make a round

    def work(self, batch: int, seconds: float) -> Round:
        """Work for about so long; the first call with a batch finds out how many steps that is, and warms up."""
        if batch not in self._steps:
            self._steps[batch] = self._steps_within(seconds, batch)
        steps = self._steps[batch]
        taken = self._seconds(steps, batch)
        tokens = sum(len(tokens) - 1 for number in range(steps) for tokens in self._documents.batch(number, batch))
        return Round(steps=steps, tokens=tokens, seconds=taken, peak_bytes=peak_bytes())

    def _steps_within(self, seconds: float, batch: int) -> int:
        self._seconds(1, batch)
        steps = 1
        while (taken := self._seconds(steps, batch)) < seconds / 4:
            steps *= 2
        return max(1, round(steps * seconds / taken))

    def _seconds(self, steps: int, batch: int) -> float:
        start = self._clock()
        for number in range(steps):
            self._engine.step(self._documents.batch(number, batch), TrainConfig.lr)
        return self._clock() - start


class YardstickRounds:
    """Rounds of the yardstick; it has no batch, and always does the same."""

    def __init__(self) -> None:
        self._weights = yardstick.draw_weights()
        yardstick.step(self._weights)

    def work(self, batch: int, seconds: float) -> Round:
        taken = yardstick.seconds_a_step(self._weights, YARDSTICK_STEPS) * YARDSTICK_STEPS
        return Round(steps=YARDSTICK_STEPS, tokens=0, seconds=taken, peak_bytes=peak_bytes())


def peak_bytes() -> int:
    """Return the most memory that this process has held.

    Linux also has ``ru_maxrss``, but there it begins at what the process held that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [kilobytes] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(kilobytes) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # on macOS, in bytes


def prepare(work: str) -> tuple[Ready, Callable[[int, float], Round]]:
    """Return what is ready, and who works the rounds.

    Args:
        work: "yardstick", or a `ComputeConfig` in JSON.

    Raises:
        MicroGPTError: if the engine or its device is not here.
    """
    if work == "yardstick":
        return Ready(described=work, start_s=None), YardstickRounds().work
    from microgpt.engines import create_engine
    from microgpt.engines.base import initial_state

    compute = ComputeConfig(**json.loads(work))
    state = initial_state(MODEL, random.Random(TrainConfig.seed))
    try:
        engine = create_engine(compute, MODEL, state)
    except ConfigError:  # its advice is for `microgpt train`
        raise ConfigError(f"this machine has no {compute.device}. Try microgpt bench on one that has.") from None
    ready = Ready(described=engine.described, start_s=time.process_time())

    from microgpt.data import load_dataset, split_documents
    from microgpt.tokenizer import CharTokenizer
    from microgpt.training.corpus import Documents

    texts = split_documents(load_dataset("names").documents, 0, random.Random(TrainConfig.seed)).train
    documents = Documents(texts=texts, tokenizer=CharTokenizer.of(texts), block_size=MODEL.block_size)
    clock = time.process_time if compute.device == "cpu" else time.perf_counter
    return ready, EngineRounds(engine, documents, clock).work


def main() -> None:
    try:
        ready, work = prepare(sys.argv[1])
    except MicroGPTError as error:
        print(json.dumps({"error": str(error)}))
        return
    print(json.dumps(asdict(ready)), flush=True)
    for line in sys.stdin:
        print(json.dumps(asdict(work(*json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
