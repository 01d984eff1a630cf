"""What holds for the 200 lines: they are Karpathy's function, keep its invariants, and nothing piles up.

Their gradients have a file of their own, `test_reference_gradients.py`.
"""

import ast
import gc
import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.reference import Node, Rows, Weights

GOLDEN = Path(__file__).parent / "golden"
SOURCE = Path(reference.__file__)

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32)


def random_rows(seed: int, rows: int, columns: int) -> Rows:
    """Return numbers between 0.1 and 2 and their negatives."""
    rng = random.Random(seed)
    return [[rng.choice((-1, 1)) * rng.uniform(0.1, 2) for _ in range(columns)] for _ in range(rows)]


# ---- It is the same function as microgpt.py ----


def test_on_the_golden_names_it_gives_every_loss_and_every_sample_of_microgpt_py() -> None:
    golden = json.loads((GOLDEN / "golden.json").read_text())
    docs, steps = reference.read_documents(str(GOLDEN / "names.txt")), golden["steps"]
    lines: list[str] = []
    trained, chars, rng = reference.train(docs, steps, seed=golden["seed"], report=lines.append)

    again = random.Random(golden["seed"])
    again.shuffle(docs)
    weights, losses = train_by_hand(docs, chars, steps, again)

    assert losses == pytest.approx(golden["losses"], rel=1e-9, abs=0)
    assert lines == [f"step {i + 1:4} / {steps:4} | loss {loss:.4f}" for i, loss in enumerate(losses)]
    assert weights == trained
    assert [reference.sample(trained, chars, rng) for _ in golden["samples"]] == golden["samples"]


def train_by_hand(docs: list[str], chars: list[str], steps: int, rng: random.Random) -> tuple[Weights, list[float]]:
    """Do what `train` does and keep the losses whole, which it reports with four decimals."""
    weights, losses = reference.init_weights(rng, len(chars) + 1), list[float]()
    mean = {name: reference.zeros(rows) for name, rows in weights.items()}
    square = dict(mean)
    for step in range(steps):
        tokens = reference.encode(docs[step % len(docs)], chars)[:17]
        loss, grads = reference.loss_and_gradients(weights, tokens, 4)
        losses.append(loss)
        for name, rows in weights.items():
            averages = mean[name], square[name]
            new = reference.adam(rows, grads[name], *averages, step + 1, 0.01 * (1 - step / steps))
            weights[name], mean[name], square[name] = new
    return weights, losses


def test_run_as_a_program_it_prints_the_steps_and_twenty_samples() -> None:
    command = [sys.executable, "-m", "microgpt.reference", str(GOLDEN / "names.txt"), "--steps", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.split("|")[0] for line in lines[:3]] == [f"step    {i} /    3 " for i in (1, 2, 3)]
    assert len(lines[3:]) == 20
    assert done.stderr == ""


def test_training_leaves_the_callers_documents_as_they_were() -> None:
    docs = ["ada", "bob", "cy", "di"]
    reference.train(docs, 2, report=lambda line: None)
    assert docs == ["ada", "bob", "cy", "di"]


# ---- The model's and the optimizer's invariants ----


@given(tokens=st.lists(st.integers(0, 4), min_size=1, max_size=4), data=st.data(), seed=seeds)
def test_changing_the_future_never_changes_the_past(tokens: list[int], data: st.DataObject, seed: int) -> None:
    cut = data.draw(st.integers(0, len(tokens)))
    future = data.draw(st.lists(st.integers(0, 4), min_size=cut == 0, max_size=4 - cut))
    weights = reference.init_weights(random.Random(seed), 5, n_layer=2, n_embd=4, block_size=4, std=0.5)
    w = {name: Node(rows) for name, rows in weights.items()}
    before, after = (reference.gpt(ids, w, n_head=2).data for ids in (tokens, tokens[:cut] + future))
    assert before[:cut] == after[:cut]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-1e6, 1e6))
def test_shares_are_positive_sum_to_one_and_depend_on_differences_alone(scores: list[float], shift: float) -> None:
    shares = reference.softmax(scores)
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)
    assert reference.softmax([score + shift for score in scores]) == pytest.approx(shares, rel=1e-6, abs=1e-9)


def test_a_score_one_higher_gets_e_times_the_share() -> None:
    low, high = reference.softmax([2.0, 3.0])
    assert high / low == pytest.approx(math.e)


@given(size=sizes, seed=seeds)
def test_causal_shares_are_softmax_over_the_past_and_nothing_of_the_future(size: int, seed: int) -> None:
    scores = random_rows(seed, size, size)
    for t, row in enumerate(reference.causal_softmax(Node(scores)).data):
        assert row == reference.softmax(scores[t][: t + 1]) + [0.0] * (size - t - 1)


@given(rows=sizes, columns=sizes, seed=seeds)
def test_rmsnorm_leaves_a_mean_square_of_one_whatever_the_scale(rows: int, columns: int, seed: int) -> None:
    x = np.array(random_rows(seed, rows, columns))
    normed = np.array(reference.rmsnorm(Node((1e4 * x).tolist())).data)
    np.testing.assert_allclose((normed**2).mean(axis=1), 1)
    np.testing.assert_allclose(normed, x / np.sqrt((x**2).mean(axis=1, keepdims=True)))


@given(st.text("abcde"))
def test_encoded_text_reads_back_the_same_between_two_bos(text: str) -> None:
    chars = "abcde"
    bos, *inside, eos = reference.encode(text, chars)
    assert bos == eos == len(chars)
    assert "".join(chars[i] for i in inside) == text


def test_blank_lines_and_spaces_around_a_document_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n ada \n\t\nzoë b\n\n", encoding="utf-8")
    assert reference.read_documents(str(path)) == ["ada", "zoë b"]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=5), st.floats(1e-4, 1))
def test_adam_is_the_algorithm_of_its_paper(gradients: list[float], lr: float) -> None:
    w, m, v = ([[0.5]], [[0.0]], [[0.0]])
    theta, first, second = 0.5, 0.0, 0.0  # Kingma and Ba 2015, algorithm 1, in its own words
    for t, g in enumerate(gradients, start=1):
        w, m, v = reference.adam(w, [[g]], m, v, t, lr)
        first, second = 0.85 * first + (1 - 0.85) * g, 0.99 * second + (1 - 0.99) * g**2
        first_hat, second_hat = first / (1 - 0.85**t), second / (1 - 0.99**t)
        theta -= lr * first_hat / (math.sqrt(second_hat) + 1e-8)
    assert w[0][0] == pytest.approx(theta, rel=1e-9, abs=1e-12)


def test_a_sample_ends_with_the_context_at_the_latest() -> None:
    rng = random.Random(1)
    weights = reference.init_weights(rng, 27, block_size=6)
    lengths = {len(reference.sample(weights, list("abcdefghijklmnopqrstuvwxyz"), rng)) for _ in range(20)}
    assert max(lengths) == 6


# ---- Nothing piles up ----


def train_tiny(steps: int) -> None:
    weights = reference.init_weights(random.Random(1), 3, n_embd=2, block_size=2)
    mean = square = {name: reference.zeros(rows) for name, rows in weights.items()}
    for step in range(steps):
        _, grads = reference.loss_and_gradients(weights, [2, 0, 2], n_head=1)
        new = {n: reference.adam(weights[n], grads[n], mean[n], square[n], step + 1, 0.01) for n in weights}
        weights, mean, square = ({name: rows[i] for name, rows in new.items()} for i in range(3))


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_steps_nodes_are_freed_without_the_garbage_collector() -> None:
    def nodes() -> int:
        return sum(type(thing) is Node for thing in gc.get_objects())

    before = nodes()
    train_tiny(2)
    assert nodes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
def test_memory_is_flat_over_ten_thousand_steps() -> None:
    train_tiny(5_000)  # CPython keeps up to 2,000 freed tuples of a size; after that, nothing may grow
    before = sys.getallocatedblocks()
    train_tiny(5_000)
    assert sys.getallocatedblocks() - before < 500  # less than one block in ten steps


# ---- The file itself ----


def test_it_is_200_lines_of_at_most_100_characters() -> None:
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 100


def test_it_imports_the_standard_library_alone() -> None:
    imported = set[str]()
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or ".").split(".")[0])
        elif isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
    assert imported <= sys.stdlib_module_names


def test_every_function_is_used_by_another_part_of_the_file() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        elsewhere = [node for part in tree.body if part is not function for node in ast.walk(part)]
        assert function.name in {node.id for node in elsewhere if isinstance(node, ast.Name)}


def test_importing_it_opens_only_itself_prints_nothing_and_draws_no_number() -> None:
    program = """
import argparse, collections.abc, math, operator, random, sys, microgpt
state, opened, others = random.getstate(), [], []
def watch(event, args):
    if event == "open":
        opened.append(str(args[0]))
    elif event.split(".")[0] in ("socket", "subprocess", "shutil", "ctypes") or event == "os.system":
        others.append(event)
sys.addaudithook(watch)
import microgpt.reference
assert random.getstate() == state
assert opened and all("reference" in name for name in opened), opened
assert not others, others
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("text", [None, b"", b"\n \n", b"\xff\xfe\x00"], ids=["missing", "empty", "blank", "binary"])
def test_a_file_that_cannot_be_learnt_from_is_one_sentence_and_no_traceback(tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_bytes(text)
    command = [sys.executable, "-m", "microgpt.reference", str(path), "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"reference.py: error: nothing to learn from in {str(path)!r}: ")
