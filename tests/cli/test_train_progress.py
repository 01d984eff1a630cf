"""The live line fits in 80 columns and tells no wrong number."""

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.cli.live import Pace, Progress, finite, printable, progress_line, utilization
from microgpt.config import ComputeConfig, Shape, TrainConfig, flops_per_token
from microgpt.data import load_dataset
from microgpt.engines.base import Engine
from microgpt.training.loop import Step
from microgpt.training.run import Run, begin, configure

NAMES = Path(__file__).parent.parent / "golden" / "names.txt"


@dataclass(frozen=True)
class OnAGraphicsCard:
    """What the display asks of an engine, as on a device that this machine has not."""

    peak_flops: float | None
    described: str = "torch on a card, bfloat16"


def on_a_card(run: Run, peak_flops: float | None) -> Run:
    card: Engine = OnAGraphicsCard(peak_flops)  # type: ignore[assignment]
    return replace(run, engine=card)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    dataset = load_dataset(NAMES)
    shape = Shape(n_embd=4, n_head=2, block_size=5)
    compute = ComputeConfig(engine="numpy")
    begun = begin(tmp_path / "run", configure(dataset, TrainConfig(steps=5000, batch=8), compute, **shape), dataset)
    begun.losses.extend(4 - step / 1000 for step in range(1234))
    return begun


PACE = Pace(steps=1234, tokens=1234 * 8 * 5, seconds=60.0)


def test_the_line_says_where_the_run_is(run: Run) -> None:
    facts = "ln 27 = 3.296  823 tok/s  3:03 left  MFU unknown"
    assert progress_line(run, PACE, width=79, curve=True) == f"1234/5000  loss 2.816  █▇▅▄▂▁  {facts}"
    assert progress_line(run, PACE, width=79, curve=False) == f"1234/5000  loss 2.816  {facts}"
    wide = progress_line(run, PACE, width=200, curve=True)
    assert wide == f"1234/5000  loss 2.816  ██▇▇▇▆▆▆▆▅▅▅▄▄▄▃▃▃▃▂▂▂▁▁  {facts}"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (71, "1234/5000  loss 2.816  ln 27 = 3.296  823 tok/s  3:03 left  MFU unknown"),
        (70, "1234/5000  loss 2.816  █▇▆▆▅▄▃▃▂▁  ln 27 = 3.296  823 tok/s  3:03 left"),
        (39, "1234/5000  loss 2.816  ln 27 = 3.296"),
        (30, "1234/5000  loss 2.816  █▇▆▅▃▂▁"),
    ],
)
def test_in_a_narrow_terminal_it_says_less_and_nothing_by_half(run: Run, width: int, shown: str) -> None:
    assert progress_line(run, PACE, width=width, curve=True) == shown


@cache
def long_run() -> Run:
    with TemporaryDirectory() as folder:
        dataset = load_dataset(NAMES)
        return begin(Path(folder), configure(dataset, TrainConfig(steps=9999)), dataset)


@given(
    steps=st.integers(1, 9999),
    tokens_per_s=st.floats(1, 9e6),
    peak=st.sampled_from([None, 1e20]),
    loss=st.floats(0, 9),
)
def test_the_line_fits_beside_a_card_too(steps: int, tokens_per_s: float, peak: float | None, loss: float) -> None:
    run = replace(long_run(), losses=[loss] * steps)
    pace = Pace(steps=steps, tokens=round(tokens_per_s * 60), seconds=60.0)
    line = progress_line(on_a_card(run, peak), pace, width=79, curve=True)
    assert len(line) < 80
    assert "MFU" in line


def test_the_utilization_is_what_the_model_needs_of_what_the_card_can(run: Run) -> None:
    needed = flops_per_token(run.config.model, 5) * PACE.tokens_per_s
    assert utilization(on_a_card(run, needed), PACE) == pytest.approx(1)
    assert utilization(on_a_card(run, 4 * needed), PACE) == pytest.approx(0.25)
    assert progress_line(on_a_card(run, 4 * needed), PACE, width=79, curve=True).endswith("  MFU 25%")


def test_of_a_card_that_is_not_known_and_of_a_processor_the_utilization_is_unknown(run: Run) -> None:
    assert utilization(on_a_card(run, None), PACE) is None
    assert progress_line(on_a_card(run, None), PACE, width=79, curve=True).endswith("  MFU unknown")
    assert progress_line(run, PACE, width=79, curve=True).endswith("  MFU unknown")


def test_the_line_that_stays_is_that_of_the_last_step(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(run, as_json=False, live=True)
    with progress.line():
        for number in (1235, 1236):  # so soon after one another that the second is not drawn at once
            run.losses.append(2.8)
            progress.show(Step(number=number, loss=2.8, tokens=40), Pace(steps=number - 1234, seconds=0.01), None)
    drawn = capsys.readouterr().out
    assert drawn.count("/5000  loss ") == 2
    assert drawn.rpartition("\r")[2].startswith("1236/5000  loss ")
    assert drawn.endswith("\n")


def test_a_loss_that_is_no_number_is_shown_and_is_null_in_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.losses.append(math.nan)
    assert "loss nan" in progress_line(run, PACE, width=79, curve=True)
    Progress(run, as_json=True, live=False).show(Step(number=1235, loss=math.nan, tokens=40), PACE, "ab\n")
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"format": "microgpt/step/1", "step": 1235, "loss": None, "sample": "ab\n"}
    assert (finite(1.5), finite(math.inf)) == (1.5, None)


@given(st.text())
def test_what_the_model_writes_cannot_move_the_cursor(text: str) -> None:
    assert printable(text).isprintable()
    assert printable("ä\x1b[2J\n") == "ä\\x1b[2J\\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(3, "0:03"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (1e7, "115 days")]
)
def test_the_time_left_is_a_clock(run: Run, seconds: float, shown: str) -> None:
    left = run.config.training.steps - len(run.losses)
    pace = Pace(steps=left, tokens=left, seconds=seconds)
    assert f"  {shown} left" in progress_line(run, pace, width=79, curve=False)
