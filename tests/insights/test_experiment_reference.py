"""How the reference's course trains, and what it measures."""

import statistics
from pathlib import Path
from typing import Any

import pytest

from microgpt import reference
from microgpt.content import content_folder
from microgpt.data import load_dataset


@pytest.fixture(scope="module")
def reference_space() -> dict[str, Any]:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    return experiment_space(source)


def experiment_space(source: str) -> dict[str, Any]:
    text = (content_folder("curriculum") / "microgpt" / "experiment.py").read_text(encoding="utf-8")
    space: dict[str, Any] = {"__name__": "subject"}
    exec(source + text, space)
    return space


def documents() -> list[str]:
    names = load_dataset("names").documents
    return [*names[:: len(names) // 400][:400]]


@pytest.mark.slow
def test_the_reference_is_measured_token_by_token_as_it_would_be_at_once(reference_space: dict[str, Any]) -> None:
    """The oracle: the reference's own loss over whole documents, weighted by their tokens."""
    seed, docs = 3, documents()
    weights, chars, _ = reference.train(docs[100:], 5, seed, report=lambda line: None)
    encoded = [reference.encode(doc, chars) for doc in docs[:100]]
    losses = [reference.loss_and_gradients(weights, tokens, 4)[0] * (len(tokens) - 1) for tokens in encoded]
    assert reference_space["measure"](docs, seed, 5) == pytest.approx(
        sum(losses) / sum(len(tokens) - 1 for tokens in encoded), rel=1e-9
    )


def test_the_reference_s_gradient_is_its_own(reference_space: dict[str, Any]) -> None:
    _, claimed, measured = reference_space["gradients"]()
    assert len(claimed) == 9
    assert claimed == pytest.approx(measured, rel=1e-5, abs=1e-8)


def test_other_tokens_do_not_compare() -> None:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    old = "for char in text] + [len(chars)]"
    assert old in source
    space = experiment_space(source.replace(old, "for char in text]"))
    assert space["measure"](documents(), 1, 1) is None


@pytest.mark.slow
def test_a_model_that_looks_ahead_learns_to_cheat_and_is_measured_without_it() -> None:
    source = Path(reference.__file__).read_text(encoding="utf-8")
    old = "softmax(row[:t + 1]) + [0.0] * (len(row) - t - 1)"
    assert old in source
    space = experiment_space(source.replace(old, "softmax(row)"))
    usual = experiment_space(source)
    seeds = (1, 2)
    differences = [space["measure"](documents(), s, 200) - usual["measure"](documents(), s, 200) for s in seeds]
    assert statistics.fmean(differences) > 0.05
