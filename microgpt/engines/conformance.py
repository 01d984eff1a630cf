"""Says whether an answer to the test vectors is the reference's, and if not, which known fault explains it.

The forward pass is judged first, then the gradients, as those of the function that was found, then Adam, which got its
gradients with the question. So a port with three faults hears of all three.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import numpy as np

from microgpt import reference
from microgpt.config import ComputeConfig, parameter_shapes
from microgpt.engines.base import Array
from microgpt.engines.faults import ADAM_FAULTS, FORWARD_FAULTS, GRADIENT_FAULTS
from microgpt.engines.faults.clues import clue
from microgpt.engines.faults.fault import Fault, Replaced, faulty
from microgpt.engines.port import PortFailed, ask_engine, ask_port
from microgpt.engines.vectors import (
    Answer,
    Tensors,
    Vector,
    compute_forward,
    compute_gradients,
    compute_weights,
    make_vectors,
)

Stage = Literal["forward", "gradients", "weights"]
COMPUTE: dict[Stage, Callable[[Vector, ModuleType], Tensors]] = {
    "forward": compute_forward,
    "gradients": compute_gradients,
    "weights": compute_weights,
}
Wrong = frozenset[tuple[str, str]]  # a vector and a tensor that is not as expected in it
TOLERANCES = {"float64": 1e-9, "float32": 1e-4}  # relative, see `distances`
FLOOR = 1e-3  # see `distances`


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question and what came back.

    Args:
        answer: None where the port failed.
        failure: what it said then.
    """

    vector: Vector
    answer: Answer | None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where an answer leaves the reference's first: in the first tensor on its way, where it differs most.

    Args:
        vector, tensor, index: where.
        expected, got: the numbers there.
        relative: by how much they differ, as `distances` has it.
        first_row: the first that is wrong in this tensor.
        wrong_in: the vectors in which this tensor is wrong.
    """

    vector: str
    tensor: str
    index: tuple[int, ...]
    expected: float
    got: float
    relative: float
    first_row: int
    wrong_in: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong in one stage.

    Args:
        faults: the known ones that give just these numbers; several where the vectors cannot tell them apart.
        difference: None where the port failed and gave no numbers.
        clue: for a fault that is not known, what the first wrong tensor says.
    """

    stage: Stage
    faults: tuple[Fault, ...]
    difference: Difference | None
    clue: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """The verdict.

    Args:
        tolerance: up to which numbers count as the same.
        worst: for every vector and stage the largest distance from the reference; infinite for what is no number.
        findings: what is wrong, in the order of the stages.
        judged: the stages that could be judged; with an unknown forward pass, its gradients cannot.
        failures: what the port said where it failed, by vector.
    """

    tolerance: float
    worst: dict[str, dict[Stage, float]]
    findings: tuple[Finding, ...]
    judged: tuple[Stage, ...]
    failures: dict[str, str]

    @property
    def same(self) -> bool:
        return not self.findings

    @property
    def in_single_precision(self) -> bool:
        """Whether all differences are as small as those of float32, though these are not allowed."""
        largest = max(distance for worst in self.worst.values() for distance in worst.values())
        return self.tolerance < largest <= TOLERANCES["float32"] and not any(each.faults for each in self.findings)


def conform_engine(compute: ComputeConfig, tolerance: float) -> Report:
    """Check an engine.

    Raises:
        MissingExtra: if its package is not installed.
        ConfigError: if it cannot compute so here.
    """
    asked = [ask_engine(compute, vector) for vector in make_vectors()]
    return judge([Answered(vector=vector, answer=answer) for vector, answer in asked], tolerance)


def conform_port(command: Sequence[str], tolerance: float, timeout_s: float) -> Report:
    """Check a port, any command that answers the test vectors; it is run once for each.

    Args:
        timeout_s: seconds for each.

    Raises:
        PortError: if there is nothing to judge: it does not answer, or what it answers has not the form of an answer.
    """
    answered = list[Answered]()
    for vector in make_vectors():
        try:
            answered.append(Answered(vector=vector, answer=ask_port(command, vector, timeout_s)))
        except PortFailed as failure:
            if not answered:  # the first is the plain one: whoever fails here fails always
                raise
            answered.append(Answered(vector=vector, answer=None, failure=str(failure)))
    return judge(answered, tolerance)


def judge(answered: Sequence[Answered], tolerance: float) -> Report:
    """Return the verdict on the answers to all vectors."""
    forward, functions = _find("forward", FORWARD_FAULTS, {}, answered, tolerance)
    found: dict[Stage, Finding | None] = {"forward": forward}
    if functions:  # else nobody knows of which function they are the gradients
        found["gradients"], _ = _find("gradients", GRADIENT_FAULTS, functions[0], answered, tolerance)
    found["weights"], _ = _find("weights", ADAM_FAULTS, {}, answered, tolerance)
    return Report(
        tolerance=tolerance,
        worst=_worst(answered),
        findings=tuple(finding for finding in found.values() if finding),
        judged=tuple(found),
        failures={each.vector.name: each.failure for each in answered if each.answer is None},
    )


def distances(expected: Tensors, got: Tensors) -> dict[str, float]:
    """Return how far each tensor is from what was expected.

    That is the largest difference, relative to the tensor's largest entry; or, if that is more, to `FLOOR` times the
    largest of all tensors: of a gradient that is next to nothing, the last digits are noise. Whoever expects what is no
    number finds it anywhere in the tensor.
    """
    floor = FLOOR * max(np.abs(rows).max() for rows in expected.values())
    return {name: _distance(rows, got[name], floor) for name, rows in expected.items()}


def _distance(expected: Array, got: Array, floor: float) -> float:
    fine, came_fine = bool(np.isfinite(expected).all()), bool(np.isfinite(got).all())
    if not (fine and came_fine):
        return 0.0 if fine == came_fine else math.inf
    difference = np.abs(expected - got).max()
    return float(difference / max(np.abs(expected).max(), floor)) if difference else 0.0


def _compare(stage: Stage, function: Replaced, answered: Sequence[Answered]) -> Iterator[tuple[str, str, float]]:
    """Yield a vector, a tensor, and how far it is from what the reference, or a faulty one, answers.

    Where a port failed, its forward pass is no number. A vector on which that is so says nothing of the gradients.
    """
    model = faulty(function) if function else reference
    for each in answered:
        if each.answer is None:
            if stage == "forward":
                expected = compute_forward(each.vector, model)
                failed = not all(np.isfinite(rows).all() for rows in expected.values())
                yield each.vector.name, "logits", 0.0 if failed else math.inf
        elif stage != "gradients" or all(np.isfinite(rows).all() for rows in each.answer.forward.values()):
            for tensor, distance in distances(COMPUTE[stage](each.vector, model), _given(each.answer, stage)).items():
                yield each.vector.name, tensor, distance


def _given(answer: Answer, stage: Stage) -> Tensors:
    return {"forward": answer.forward, "gradients": answer.gradients, "weights": answer.weights}[stage]


def _find(
    stage: Stage, known: Sequence[Fault], function: Replaced, answered: Sequence[Answered], tolerance: float
) -> tuple[Finding | None, list[Replaced]]:
    """Return what is wrong in a stage, if anything, and the functions that a port with these answers may compute.

    Args:
        known: the faults that may be the cause.
        function: the reference, or what is replaced in it as an earlier stage has shown.
    """
    wrong = _wrong(stage, function, answered, tolerance)
    if not wrong:
        return None, [function]
    candidates = [
        (fault, {**function, **variant})
        for fault in known
        for variant in fault.variants
        if not function.keys() & variant.keys()  # one would undo the other
    ]
    fits = [
        (fault, candidate)
        for fault, candidate in candidates
        if all(distance <= tolerance for _, _, distance in _compare(stage, candidate, answered))
    ]
    at = _first_difference(stage, function, answered, wrong, tolerance)
    finding = Finding(
        stage=stage,
        faults=tuple({fault.name: fault for fault, _ in fits}.values()),
        difference=at,
        clue="" if fits or not at else clue(stage, at.tensor, first_row=at.first_row, is_number=math.isfinite(at.got)),
    )
    return finding, [candidate for _, candidate in fits]


def _wrong(stage: Stage, function: Replaced, answered: Sequence[Answered], tolerance: float) -> Wrong:
    compared = _compare(stage, function, answered)
    return frozenset((vector, tensor) for vector, tensor, distance in compared if not distance <= tolerance)


def _first_difference(
    stage: Stage, function: Replaced, answered: Sequence[Answered], wrong: Wrong, tolerance: float
) -> Difference | None:
    """Return where the first wrong tensor differs most; None if the port failed there and gave no numbers."""
    model = faulty(function)
    for tensor in _on_the_way(stage, answered):
        for each in answered:
            if each.answer and (each.vector.name, tensor) in wrong:
                expected = COMPUTE[stage](each.vector, model)
                got = _given(each.answer, stage)
                apart = np.abs(got[tensor] - expected[tensor])
                place = np.unravel_index(np.argmax(np.nan_to_num(apart, nan=np.inf)), apart.shape)
                return Difference(
                    vector=each.vector.name,
                    tensor=tensor,
                    index=tuple(int(i) for i in place),
                    expected=float(expected[tensor][place]),
                    got=float(got[tensor][place]),
                    relative=distances(expected, got)[tensor],
                    first_row=_first_wrong_row(expected[tensor], got[tensor], tolerance),
                    wrong_in=tuple(other.vector.name for other in answered if (other.vector.name, tensor) in wrong),
                )
    return None


def _first_wrong_row(expected: Array, got: Array, tolerance: float) -> int:
    rows = np.abs(got - expected).max(-1) if expected.ndim == 2 else np.zeros(1)
    return int(np.argmax(~(rows <= tolerance * np.abs(expected).max())))


def _on_the_way(stage: Stage, answered: Sequence[Answered]) -> list[str]:
    """Return a stage's tensors in the order in which they are computed: gradients from the head back."""
    if stage == "forward":
        return ["logits", "loss"]
    deepest = max((each.vector.config for each in answered), key=lambda config: config.n_layer)
    names = list(parameter_shapes(deepest))
    layers = [name for name in names if "." in name]
    return ["lm_head", *reversed(layers), "wpe", "wte"] if stage == "gradients" else names


def _worst(answered: Sequence[Answered]) -> dict[str, dict[Stage, float]]:
    """Return each vector's largest distance in each stage from the reference."""
    worst: dict[str, dict[Stage, float]] = {each.vector.name: {} for each in answered}
    for stage in COMPUTE:
        for vector, _, distance in _compare(stage, {}, answered):
            worst[vector][stage] = max(distance, worst[vector].get(stage, 0.0))
    return worst
