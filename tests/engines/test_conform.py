"""Conformance: what is the reference's function passes, and every known fault is caught and called by its name."""

import importlib.util
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import ComputeConfig
from microgpt.engines.conformance import TOLERANCES, Answered, Report, conform_engine, distances, judge
from microgpt.engines.faults import ADAM_FAULTS, FORWARD_FAULTS, GRADIENT_FAULTS
from microgpt.engines.faults.attention import naive_softmax
from microgpt.engines.faults.fault import Fault, Replaced, faulty
from microgpt.engines.vectors import (
    Answer,
    Matrices,
    Vector,
    compute_forward,
    compute_gradients,
    make_vectors,
    reference_answer,
    vector_object,
)

VECTORS = {vector.name: vector for vector in make_vectors()}


def variants(faults: Sequence[Fault]) -> list[object]:
    return [
        pytest.param(fault, variant, id=f"{fault.name}-{number}", marks=[pytest.mark.slow] if number else [])
        for fault in faults
        for number, variant in enumerate(fault.variants)
    ]


def verdict_on(replaced: Replaced, dtype: str = "float64") -> Report:
    """Judge a faulty reference, its answers rounded to a type."""
    model = faulty(replaced)
    answered = [
        Answered(vector=each, answer=rounded(reference_answer(each, model), dtype)) for each in VECTORS.values()
    ]
    return judge(answered, TOLERANCES[dtype])


def rounded(answer: Answer, dtype: str) -> Answer:
    with np.errstate(over="ignore"):
        return Answer(
            forward={name: rows.astype(dtype) for name, rows in answer.forward.items()},
            gradients={name: rows.astype(dtype) for name, rows in answer.gradients.items()},
            weights={name: rows.astype(dtype) for name, rows in answer.weights.items()},
        )


def names(report: Report) -> dict[str, list[str]]:
    return {finding.stage: [fault.name for fault in finding.faults] for finding in report.findings}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("engine", ["scalar", "reference", "numpy", "torch"])
def test_every_engine_is_the_same_function(engine: str, dtype: str) -> None:
    if engine == "torch" and not importlib.util.find_spec("torch"):
        pytest.skip("torch is not installed")
    if engine in ("scalar", "reference") and dtype == "float32":
        pytest.skip("a Python float is a float64")
    report = conform_engine(ComputeConfig(engine=engine, device="cpu", dtype=dtype), TOLERANCES[dtype])
    assert report.same, report.worst


@pytest.mark.parametrize(("fault", "variant"), variants(FORWARD_FAULTS))
def test_a_known_fault_of_the_forward_pass_is_named_alone_and_its_gradients_pass(
    fault: Fault, variant: Replaced
) -> None:
    report = verdict_on(variant)
    assert names(report) == {"forward": [fault.name]}
    assert report.judged == ("forward", "gradients", "weights")


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "variant"), variants(GRADIENT_FAULTS))
def test_a_known_fault_of_the_gradients_is_named_alone(fault: Fault, variant: Replaced) -> None:
    assert names(verdict_on(variant)) == {"gradients": [fault.name]}


@pytest.mark.parametrize(("fault", "variant"), variants(ADAM_FAULTS))
def test_a_known_fault_of_adam_is_named_alone(fault: Fault, variant: Replaced) -> None:
    assert names(verdict_on(variant)) == {"weights": [fault.name]}


@pytest.mark.slow
@pytest.mark.parametrize("faults", [FORWARD_FAULTS, GRADIENT_FAULTS, ADAM_FAULTS], ids=["forward", "gradients", "adam"])
def test_in_single_precision_the_faults_are_named_too(faults: Sequence[Fault]) -> None:
    alike = {"rmsnorm-epsilon-0", "rmsnorm-epsilon-1e-12"}  # float32 cannot tell them apart
    for fault in faults:
        for variant in fault.variants:
            (found,) = names(verdict_on(variant, "float32")).values()
            assert set(found) == (alike if fault.name in alike else {fault.name})


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "variant"), variants(FORWARD_FAULTS))
def test_the_gradients_of_a_fault_of_the_forward_pass_are_those_of_its_own_function(
    fault: Fault, variant: Replaced
) -> None:
    """Else a port with it, and with right gradients for it, would be told of a second fault."""
    model, vector = faulty(variant), VECTORS["full-context"]
    gradients = compute_gradients(vector, model)
    for name, direction in directions(vector.weights).items():

        def loss(by: float, name: str = name, direction: np.ndarray = direction) -> float:
            moved = (np.array(vector.weights[name]) + by * direction).tolist()
            return float(compute_forward(replace(vector, weights={**vector.weights, name: moved}), model)["loss"])

        slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
        assert slope == pytest.approx(float((gradients[name] * direction).sum()), rel=1e-4, abs=1e-6)


def directions(weights: Matrices) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=np.array(rows).shape) for name, rows in weights.items()}


def test_faults_of_all_three_stages_are_told_at_once() -> None:
    by_name = {fault.name: fault for fault in (*FORWARD_FAULTS, *GRADIENT_FAULTS, *ADAM_FAULTS)}
    three = ("rmsnorm-epsilon-1e-06", "keys-and-values-cut-off", "no-bias-correction")
    replaced = {key: function for name in three for key, function in by_name[name].variants[0].items()}
    assert names(verdict_on(replaced)) == {
        stage: [name] for stage, name in zip(("forward", "gradients", "weights"), three)
    }


def broken(name: str, stage: str, tensor: str, index: tuple[int, ...], by: float) -> Report:
    """Judge the reference's answers with one number changed in one vector."""
    answers = {each.name: reference_answer(each) for each in VECTORS.values()}
    getattr(answers[name], stage)[tensor][index] += by
    return judge([Answered(vector=VECTORS[key], answer=answer) for key, answer in answers.items()], 1e-9)


@pytest.mark.parametrize(
    ("stage", "tensor", "index", "clue"),
    [
        ("forward", "logits", (0, 1), "Row 0 is wrong already"),
        ("forward", "logits", (2, 1), "wrong where positions meet"),
        ("forward", "loss", (), "The logits are right"),
        ("gradients", "lm_head", (1, 1), "the first on the way back"),
        ("gradients", "layer0.wk", (7, 7), "wv is right"),
        ("weights", "wpe", (3, 0), "Look at the averages"),
    ],
)
def test_a_fault_that_is_not_known_is_told_by_its_place_and_by_what_to_look_at(
    stage: str, tensor: str, index: tuple[int, ...], clue: str
) -> None:
    report = broken("repeats", stage, tensor, index, 0.01)
    (finding,) = report.findings
    assert (finding.stage, finding.faults) == (stage, ())
    assert clue in finding.clue
    at = finding.difference
    assert at is not None
    assert (at.vector, at.tensor, at.index, at.wrong_in) == ("repeats", tensor, index, ("repeats",))
    assert at.got - at.expected == pytest.approx(0.01)


def test_the_first_wrong_gradient_is_the_one_nearest_to_the_head() -> None:
    answers = {each.name: reference_answer(each) for each in VECTORS.values()}
    for tensor in ("wte", "layer0.fc2", "layer1.wo", "layer1.wq"):
        answers["full-context"].gradients[tensor][0, 0] += 1.0
    report = judge([Answered(vector=VECTORS[key], answer=answer) for key, answer in answers.items()], 1e-9)
    assert report.findings[0].difference is not None
    assert report.findings[0].difference.tensor == "layer1.wo"


def test_the_gradients_of_a_function_that_is_not_known_are_not_judged() -> None:
    assert broken("tiny", "forward", "logits", (0, 0), 1.0).judged == ("forward", "weights")


def test_what_is_no_number_is_another_function() -> None:
    report = broken("one-layer", "gradients", "wpe", (0, 0), float("nan"))
    assert not report.same
    assert "It is no number" in report.findings[0].clue
    assert report.worst["one-layer"]["gradients"] == float("inf")


def test_a_port_that_computes_in_single_precision_is_told_so_if_float64_was_asked() -> None:
    answered = [Answered(vector=each, answer=rounded(reference_answer(each), "float32")) for each in VECTORS.values()]
    assert judge(answered, TOLERANCES["float64"]).in_single_precision
    assert judge(answered, TOLERANCES["float32"]).same
    assert not verdict_on({"scale": lambda x, by: x}).in_single_precision


def test_a_port_that_fails_where_exp_overflows_has_a_softmax_that_overflows() -> None:
    answered = [
        Answered(vector=each, answer=None if each.name == "large" else reference_answer(each))
        for each in VECTORS.values()
    ]
    report = judge(answered, 1e-9)
    assert names(report) == {"forward": ["attention-softmax-overflows", "loss-softmax-overflows"]}


def test_a_port_that_fails_elsewhere_has_no_known_fault() -> None:
    answered = [
        Answered(vector=each, answer=None if each.name == "tiny" else reference_answer(each))
        for each in VECTORS.values()
    ]
    assert names(judge(answered, 1e-9)) == {"forward": []}


@given(entries=st.lists(st.integers(-1000, 1000), min_size=2, max_size=9), factor=st.floats(1e-3, 1e3))
def test_a_distance_does_not_depend_on_the_unit(entries: list[int], factor: float) -> None:
    expected, got = np.array(entries), np.array(entries[::-1])
    one = distances({"a": expected}, {"a": got})["a"]
    other = distances({"a": expected * factor}, {"a": got * factor})["a"]
    assert other == pytest.approx(one, rel=1e-6)


def test_a_tensor_that_is_next_to_nothing_is_measured_by_the_largest_of_its_kind() -> None:
    expected = {"large": np.array([[1.0]]), "nothing": np.array([[1e-16]])}
    assert distances(expected, {"large": np.array([[1.0]]), "nothing": np.array([[-1e-16]])})["nothing"] < 1e-12


def test_the_vectors_are_always_the_same_and_show_what_they_are_there_for() -> None:
    assert make_vectors() == list(VECTORS.values())
    large = VECTORS["large"]
    for name in ("causal_softmax", "cross_entropy"):
        model = faulty({name: getattr(faulty({"softmax": naive_softmax}), name)})
        assert np.isnan(compute_forward(large, model)["loss"])
    full = VECTORS["full-context"]
    assert len(full.tokens) == full.config.block_size + 1
    assert len(set(VECTORS["repeats"].tokens[:-1])) < len(VECTORS["repeats"].tokens) - 1
    assert {vector.adam.step for vector in VECTORS.values()} >= {1, 2, 3}


def test_what_a_port_is_asked_holds_nothing_of_what_is_expected() -> None:
    for vector in VECTORS.values():
        written, answer = str(vector_object(vector)), reference_answer(vector)
        tensors = [*answer.forward.values(), *answer.gradients.values(), *answer.weights.values()]
        telling = [number for tensor in tensors for number in tensor.ravel().tolist() if len(repr(number)) > 8]
        assert telling
        assert not [number for number in telling if repr(number) in written]


def test_a_faulty_copy_leaves_the_reference_as_it_is() -> None:
    vector: Vector = VECTORS["one-layer"]
    before, kept = compute_forward(vector), reference.rmsnorm
    compute_forward(vector, faulty({"rmsnorm": lambda x: x}))
    assert reference.rmsnorm is kept
    assert compute_forward(vector)["loss"] == before["loss"]


def test_a_port_may_differ_in_the_last_digits() -> None:
    rng = random.Random(0)
    answers = {each.name: reference_answer(each) for each in VECTORS.values()}
    for answer in answers.values():
        for tensors in (answer.forward, answer.gradients, answer.weights):
            for rows in tensors.values():
                rows *= 1 + 1e-11 * rng.gauss(0, 1)
    assert judge([Answered(vector=VECTORS[key], answer=answer) for key, answer in answers.items()], 1e-9).same
