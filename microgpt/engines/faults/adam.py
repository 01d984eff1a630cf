"""Faults of the optimizer: from right gradients, the weights go elsewhere."""

from collections.abc import Callable
from functools import partial

from microgpt.engines.faults.fault import Fault, Replaced
from microgpt.reference import Rows, adam

Move = Callable[[float, float, float, float], float]


def _moving(move: Move) -> Replaced:
    """Adam with another way to move.

    Args:
        move: from the averages of gradients and of squares, and how full each is, to the step per learning rate.
    """

    def adam(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
        m = [[0.85 * a + 0.15 * b for a, b in zip(*rows, strict=True)] for rows in zip(m, g, strict=True)]
        v = [[0.99 * a + 0.01 * b * b for a, b in zip(*rows, strict=True)] for rows in zip(v, g, strict=True)]
        full1, full2 = 1 - 0.85**step, 1 - 0.99**step
        rows = zip(w, m, v, strict=True)
        w = [[a - lr * move(b, c, full1, full2) for a, b, c in zip(*row, strict=True)] for row in rows]
        return w, m, v

    return {"adam": adam}


def _late(by: int) -> Replaced:
    """The correction is that of another step."""

    def moved(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
        return adam(w, g, m, v, step + by, lr)

    return {"adam": moved}


def _decaying(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
    return adam([[a * (1 - lr * 0.01) for a in row] for row in w], g, m, v, step, lr)


def _climbing(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
    return adam(w, g, m, v, step, -lr)


def _descending(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
    return [[a - lr * b for a, b in zip(*rows, strict=True)] for rows in zip(w, g, strict=True)], m, v


def _resting(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float) -> tuple[Rows, Rows, Rows]:
    return w, m, v


ADAM_FAULTS = (
    Fault(
        name="no-bias-correction",
        what="Adam does not correct the bias of its averages",
        look="Divide the mean by 1 - 0.85**step and the square by 1 - 0.99**step: they began at 0.",
        variants=[
            _moving(lambda m, v, full1, full2: m / (v**0.5 + 1e-8)),
            _moving(lambda m, v, full1, full2: m / ((v / full2) ** 0.5 + 1e-8)),
            _moving(lambda m, v, full1, full2: m / full1 / (v**0.5 + 1e-8)),
        ],
    ),
    Fault(
        name="bias-correction-of-another-step",
        what="Adam corrects the bias as if it were another step",
        look="The step that is given is counted from 1: beta**1 at the first.",
        variants=[_late(1), _late(-1)],
    ),
    Fault(
        name="adam-epsilon-inside-the-root",
        what="Adam's epsilon stands inside the root",
        look="Divide by sqrt(square) + 1e-8, not by sqrt(square + 1e-8).",
        variants=[_moving(lambda m, v, full1, full2: m / full1 / (v / full2 + 1e-8) ** 0.5)],
    ),
    Fault(
        name="adam-epsilon-before-the-correction",
        what="Adam's epsilon is added before the square is corrected",
        look="Correct the square first: sqrt(square / (1 - 0.99**step)) + 1e-8.",
        variants=[_moving(lambda m, v, full1, full2: m / full1 * full2**0.5 / (v**0.5 + 1e-8))],
    ),
    Fault(
        name="adam-epsilon",
        what="Adam's epsilon is not 1e-8",
        look="Add 1e-8 to the root.",
        variants=[{"adam": partial(adam, eps=eps)} for eps in (0.0, 1e-10, 1e-9, 1e-7, 1e-6, 1e-5)],
    ),
    Fault(
        name="adam-betas",
        what="Adam's betas are those of other models",
        look="Here they are 0.85 for the mean and 0.99 for the square.",
        variants=[
            {"adam": partial(adam, beta1=beta1, beta2=beta2)}
            for beta1 in (0.8, 0.85, 0.9, 0.95)
            for beta2 in (0.95, 0.98, 0.99, 0.999)
            if (beta1, beta2) != (0.85, 0.99)
        ],
    ),
    Fault(
        name="adam-without-the-root",
        what="Adam divides by the average of squares, not by its root",
        look="Divide by sqrt(square) + 1e-8.",
        variants=[_moving(lambda m, v, full1, full2: m / full1 / (v / full2 + 1e-8))],
    ),
    Fault(
        name="weight-decay",
        what="the weights decay, by 0.01 a step and learning rate, as in AdamW",
        look="The reference has no weight decay: set it to 0.",
        variants=[{"adam": _decaying}],
    ),
    Fault(
        name="adam-climbs",
        what="Adam steps along the gradient, not against it",
        look="Take the step off the weight.",
        variants=[{"adam": _climbing}],
    ),
    Fault(
        name="no-adam",
        what="the step is plain gradient descent: the gradient times the learning rate",
        look="Divide the running mean by the root of the running square, see the function adam of the reference.",
        variants=[{"adam": _descending}],
    ),
    Fault(
        name="weights-unmoved",
        what="the weights are those that were given",
        look="Answer with the weights from after the step.",
        variants=[{"adam": _resting}],
    ),
)
