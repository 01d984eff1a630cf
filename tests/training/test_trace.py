"""A trace says what happened, to the byte the same whether the run was interrupted or not."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.config import ComputeConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines import create_engine
from microgpt.errors import ConfigError, TraceError
from microgpt.training.loop import Step
from microgpt.training.recording import is_sampled, open_trace, sample_now
from microgpt.training.run import Run, begin, configure, resume, save, train_and_save
from microgpt.training.trace import read_trace

NAMES = Path(__file__).parent.parent / "golden" / "names.txt"
SMALL = Shape(n_layer=2, n_embd=4, n_head=2, block_size=5)
STEPS = 20
LOOKED_AT = [0, 1, 2, 4, 8, 16, 20]


def new_run(folder: Path, *, seed: int = 42, data: str | Path = NAMES, stream: bool = False) -> Run:
    dataset = load_dataset(data, stream=stream)
    compute = ComputeConfig(engine="numpy", dtype="float64")
    return begin(folder, configure(dataset, TrainConfig(steps=STEPS, seed=seed), compute, **SMALL), dataset)


def record(run: Run, path: Path, steps: int | None = None, *, every: int | None = None, goes_on: bool = False) -> None:
    """Train so many steps, or to the end, as the command line does."""
    with open_trace(path, run, sample_every=every, goes_on=goes_on) as writer:
        for step in islice(train_and_save(run), steps):
            writer.write(step, sample_now(run) if is_sampled(step.number, STEPS, every) else None)


@cache
def whole_trace() -> bytes:
    with TemporaryDirectory() as folder:
        record(new_run(Path(folder) / "run"), Path(folder) / "trace.jsonl")
        return (Path(folder) / "trace.jsonl").read_bytes()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path / "run")


def test_a_trace_says_all_that_happened(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path / "trace.jsonl")
    trace = read_trace(tmp_path / "trace.jsonl")
    assert trace.config == run.config
    assert trace.losses == tuple(run.losses)
    assert trace.learning_rates == tuple(run.config.training.learning_rate(done) for done in range(STEPS))
    assert list(trace.samples) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert trace.samples[STEPS] == sample_now(run)
    assert [look.step for look in trace.looks] == LOOKED_AT
    assert trace.left_out == ()
    assert run.tokenizer.decode(trace.tokens) == run.documents.train[0][:5]


def test_the_last_look_is_at_the_model_that_was_saved(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path / "trace.jsonl")
    trace = read_trace(tmp_path / "trace.jsonl")
    last, time = trace.looks[-1], len(trace.tokens) - 1
    assert last.probabilities is not None
    assert last.attention is not None
    assert last.gradient_norms is not None
    logits = run.engine.logits(trace.tokens[:-1])
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(last.probabilities, expected, atol=0.00005 + 1e-9)
    assert last.attention.shape == (2, 2, time, time)
    _, gradients = run.engine.loss_and_gradients([trace.tokens])
    norms = {name: float(np.linalg.norm(gradient)) for name, gradient in gradients.items()}
    assert last.gradient_norms == pytest.approx(norms, rel=0.0006)


@pytest.mark.parametrize("stops", [[1], [13], [2, 8, 16, 19]])
def test_stopped_and_resumed_it_ends_byte_for_byte_as_one_that_was_not(
    run: Run, tmp_path: Path, stops: list[int]
) -> None:
    path, done = tmp_path / "trace.jsonl", 0
    for stop in stops:
        record(run, path, stop - done, goes_on=done > 0)
        save(run)
        run, done = resume(run.folder), stop
    record(run, path, goes_on=True)
    assert path.read_bytes() == whole_trace()


@pytest.mark.slow
@settings(max_examples=20)  # each writes two runs to the disk
@given(cut=st.integers(0, 10**6), saved=st.sampled_from([2, 8, 10, 16]))
def test_killed_after_the_run_was_saved_and_before_or_after_its_line_was_written_it_ends_the_same(
    cut: int, saved: int
) -> None:
    """A kill leaves the checkpoint of one step, and a trace that is cut anywhere from the step before that one on."""
    lines = whole_trace().splitlines(keepends=True)
    fixed = sum(len(line) for line in lines if json.loads(line).get("step", 0) < saved)
    with TemporaryDirectory() as folder:
        path, run = Path(folder) / "trace.jsonl", new_run(Path(folder) / "run")
        for _ in islice(train_and_save(run), saved):
            pass
        path.write_bytes(whole_trace()[: fixed + cut % (len(whole_trace()) - fixed)])
        record(resume(run.folder), path, goes_on=True)
        assert path.read_bytes() == whole_trace()


def test_what_a_run_wrote_after_the_step_that_it_goes_on_from_is_cut_off(run: Run, tmp_path: Path) -> None:
    for _ in islice(train_and_save(run), 8):
        pass
    (tmp_path / "trace.jsonl").write_bytes(whole_trace())
    record(resume(run.folder), tmp_path / "trace.jsonl", 1, goes_on=True)
    trace = read_trace(tmp_path / "trace.jsonl")
    assert len(trace.losses) == 9
    assert [look.step for look in trace.looks] == [0, 1, 2, 4, 8]


def test_a_sample_is_drawn_anew_after_each_step_and_leaves_the_run_s_own_stream_alone(run: Run) -> None:
    before = run.random_state
    first = sample_now(run)
    assert sample_now(run) == first
    run.losses.append(3.0)
    assert sample_now(run) != first
    assert run.random_state == before


def test_a_trace_that_is_begun_late_has_every_loss_and_looks_from_there_on(run: Run, tmp_path: Path) -> None:
    for _ in islice(train_and_save(run), 10):
        pass
    save(run)
    run = resume(run.folder)
    record(run, tmp_path / "trace.jsonl", goes_on=True)
    trace = read_trace(tmp_path / "trace.jsonl")
    assert trace.losses == tuple(run.losses)
    assert [look.step for look in trace.looks] == [16, 20]
    assert list(trace.samples) == [10, 12, 14, 16, 18, 20]


def test_another_engine_may_go_on_in_a_trace(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path / "trace.jsonl", 7)
    save(run)
    record(resume(run.folder, ComputeConfig(engine="reference")), tmp_path / "trace.jsonl", goes_on=True)
    trace = read_trace(tmp_path / "trace.jsonl")
    assert len(trace.losses) == STEPS
    assert trace.config.compute.engine == "numpy"


def test_the_trace_of_another_run_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    record(new_run(tmp_path / "other", seed=1), path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="is the trace of another run"), open_trace(path, run, goes_on=True):
        pass
    assert path.read_bytes() == before


def test_a_new_trace_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"), open_trace(path, run):
        pass
    assert path.read_text() == "mine"


@pytest.mark.parametrize(("every", "sampled"), [(None, 10), (0, 0), (7, 2), (1, STEPS), (STEPS, 1), (99, 0)])
def test_the_model_writes_as_often_as_it_was_asked_to(
    run: Run, tmp_path: Path, every: int | None, sampled: int
) -> None:
    record(run, tmp_path / "trace.jsonl", every=every)
    assert len(read_trace(tmp_path / "trace.jsonl").samples) == sampled


def test_a_stream_is_looked_at_where_it_begins(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", stream=True)
    record(run, tmp_path / "trace.jsonl", 2)
    trace = read_trace(tmp_path / "trace.jsonl")
    assert run.tokenizer.decode(trace.tokens) == run.documents.train[0][:6]
    assert len(trace.samples[2]) == 60


def test_a_loss_or_a_weight_that_is_no_number_is_null(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    state = run.engine.state()
    no_numbers = replace(state, weights={**state.weights, "lm_head": np.full_like(state.weights["lm_head"], math.nan)})
    went_wrong = replace(run, engine=create_engine(run.config.compute, run.config.model, no_numbers))
    with open_trace(path, went_wrong) as writer:
        writer.write(Step(number=1, loss=math.nan, tokens=4), None)
    assert "NaN" not in path.read_text()
    trace = read_trace(path)
    assert math.isnan(trace.losses[0])
    assert trace.looks[0].probabilities is None
    assert trace.looks[0].attention is not None  # the head comes after it
    assert trace.looks[0].gradient_norms is not None
    assert trace.looks[0].gradient_norms["lm_head"] is None


def test_what_is_not_a_whole_line_yet_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(whole_trace()[:-2])
    assert len(read_trace(path).samples) == 9


def damaged() -> Iterator[tuple[str, bytes]]:
    header, *rest = whole_trace().splitlines(keepends=True)
    yield "empty", b""
    yield "no JSON", b"step 1\n"
    yield "no object", b"[]\n"
    yield "not UTF-8", b"\xff\n"
    yield "another format", header.replace(b"trace/1", b"trace/2")
    yield "a config that cannot be", header.replace(b'"n_head":2', b'"n_head":3')
    yield "a line without its step", header + b'{"loss":1,"lr":1}\n'
    yield "a line cut in the midst", header + rest[0][:100] + b"\n"
    yield "nested too deep", header + b"[" * 100_000 + b"\n"
    yield "rows of different lengths", header + b'{"step":0,"probabilities":[[1],[1,2]],"attention":null}\n'


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in damaged()])
def test_a_damaged_trace_is_refused_in_one_line_and_not_gone_on_with(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=r"trace\.jsonl is no trace, or damaged\. Try"):
        read_trace(path)
    with pytest.raises(TraceError), open_trace(path, run, goes_on=True):
        pass
    assert path.read_bytes() == content


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"cannot be read \(No such file"):
        read_trace(tmp_path / "trace.jsonl")
