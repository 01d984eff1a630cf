"""Faults of the forward pass outside of attention: another function, with gradients that are right for that one."""

import math
from collections.abc import Callable

from microgpt.engines.faults.attention import naive_softmax
from microgpt.engines.faults.fault import Fault, Replaced, faulty
from microgpt.reference import Node, Rows, add, attention, dot, embed, linear, relu, rmsnorm, scale
from microgpt.reference import cross_entropy as mean_surprise

Join = Callable[[Node, Node], Node]
Same = Callable[[Node], Node]


def _same(x: Node) -> Node:
    return x


# ---- RMSNorm ----


def _norm(epsilon: float) -> Same:
    def rmsnorm(x: Node) -> Node:
        scales = [(dot(row, row) / len(row) + epsilon) ** -0.5 for row in x.data]
        out = [[a * s for a in row] for row, s in zip(x.data, scales, strict=True)]

        def pull(grad: Rows) -> tuple[Rows]:
            rows = zip(out, grad, scales, strict=True)
            return ([[s * (g - a * dot(r, gs) / len(r)) for a, g in zip(r, gs, strict=True)] for r, gs, s in rows],)

        return Node(out, (x,), pull)

    return rmsnorm


def _norm_with_epsilon_outside(x: Node) -> Node:
    roots = [(dot(row, row) / len(row)) ** 0.5 for row in x.data]
    out = [[a / (r + 1e-5) for a in row] for row, r in zip(x.data, roots, strict=True)]

    def pull(grad: Rows) -> tuple[Rows]:
        rows = zip(x.data, out, grad, roots, strict=True)
        return (
            [
                [(g - a * dot(xs, gs) / len(xs) / r) / (r + 1e-5) for a, g in zip(ys, gs, strict=True)]
                for xs, ys, gs, r in rows
            ],
        )

    return Node(out, (x,), pull)


def _centre(x: Node) -> Node:
    def centred(rows: Rows) -> Rows:
        return [[a - sum(row) / len(row) for a in row] for row in rows]

    return Node(centred(x.data), (x,), lambda grad: (centred(grad),))


def _layer_norm(x: Node) -> Node:
    return rmsnorm(_centre(x))


def _norm_to_length_one(x: Node) -> Node:
    channels = len(x.data[0])
    return scale(_norm(1e-5 / channels)(x), channels**-0.5)


# ---- The rest of the model ----


def _gpt(
    *,
    locate: Join = add,
    first_norm: Same = rmsnorm,
    attention_norm: Same = rmsnorm,
    mlp_norm: Same = rmsnorm,
    last_norm: Same = _same,
    around_attention: Join = add,
    around_mlp: Join = add,
    head: str = "lm_head",
) -> Replaced:
    """The reference's model, but for what is given."""

    def gpt(tokens: list[int], w: dict[str, Node], n_head: int) -> Node:
        x = first_norm(locate(embed(w["wte"], tokens), embed(w["wpe"], range(len(tokens)))))
        for i in range(len(w) // 6):
            wq, wk, wv, wo, fc1, fc2 = (w[f"layer{i}.{n}"] for n in "wq wk wv wo fc1 fc2".split())  # noqa: SIM905
            a = attention_norm(x)
            x = around_attention(x, linear(attention(linear(a, wq), linear(a, wk), linear(a, wv), n_head), wo))
            x = around_mlp(x, linear(relu(linear(mlp_norm(x), fc1)), fc2))
        return linear(last_norm(x), w[head])

    return {"gpt": gpt}


def _left(x: Node, y: Node) -> Node:
    return x


def _right(x: Node, y: Node) -> Node:
    return y


def _activation(value: Callable[[float], float], slope: Callable[[float], float]) -> Replaced:
    """Take another function for ReLU."""

    def relu(x: Node) -> Node:
        def pull(grad: Rows) -> tuple[Rows]:
            return (
                [[g * slope(a) for a, g in zip(row, gs, strict=True)] for row, gs in zip(x.data, grad, strict=True)],
            )

        return Node([[value(a) for a in row] for row in x.data], (x,), pull)

    return {"relu": relu}


def _normal(a: float) -> float:
    """The part of a normal distribution that is below a."""
    return (1 + math.erf(a / 2**0.5)) / 2


def _gelu_slope(a: float) -> float:
    return _normal(a) + a * math.exp(-a * a / 2) / (2 * math.pi) ** 0.5


def _tanh(a: float) -> float:
    return math.tanh((2 / math.pi) ** 0.5 * (a + 0.044715 * a**3))


def _tanh_gelu_slope(a: float) -> float:
    inner = (2 / math.pi) ** 0.5 * (1 + 3 * 0.044715 * a * a)
    return (1 + _tanh(a)) / 2 + a * (1 - _tanh(a) ** 2) * inner / 2


def _sigmoid(a: float) -> float:
    return (1 + math.tanh(a / 2)) / 2


def _linear_read_columnwise(*, square_alone: bool) -> Replaced:
    """Take the numbers of a matrix, in the order in which they lie, for one of inputs x outputs."""

    def reread(w: Node) -> Node:
        rows, columns = len(w.data), len(w.data[0])

        def pull(grad: Rows) -> tuple[Rows]:
            flat = [row[i] for i in range(columns) for row in grad]
            return ([flat[lo : lo + columns] for lo in range(0, len(flat), columns)],)

        flat = [number for row in w.data for number in row]
        return Node([flat[row::rows] for row in range(rows)], (w,), pull)

    def read(x: Node, w: Node) -> Node:
        square = len(w.data) == len(w.data[0])
        is_weight = not w.parents  # and not the keys, which attention multiplies with too
        return linear(x, reread(w) if is_weight and (square or not square_alone) else w)

    return {"linear": read}


def _loss_times(factor: Callable[[int], float]) -> Replaced:
    def cross_entropy(logits: Node, targets: list[int]) -> Node:
        return scale(mean_surprise(logits, targets), factor(len(targets)))

    return {"cross_entropy": cross_entropy}


LAYER_FAULTS = (
    *[
        Fault(
            name=f"rmsnorm-epsilon-{epsilon:g}",
            what=f"RMSNorm's epsilon is {epsilon:g}" if epsilon else "RMSNorm has no epsilon",
            look="Add 1e-5 to the mean square, before the root.",
            variants=[{"rmsnorm": _norm(epsilon)}],
        )
        for epsilon in (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3)
    ],
    Fault(
        name="rmsnorm-epsilon-outside-the-root",
        what="RMSNorm's epsilon stands outside the root",
        look="Divide by sqrt(mean square + 1e-5), not by sqrt(mean square) + 1e-5.",
        variants=[{"rmsnorm": _norm_with_epsilon_outside}],
    ),
    Fault(
        name="layernorm",
        what="the norm takes the mean off first, as LayerNorm does",
        look="RMSNorm divides by the root mean square, and takes nothing off.",
        variants=[{"rmsnorm": _layer_norm}],
    ),
    Fault(
        name="norm-to-length-one",
        what="the norm divides by the root of the sum of squares",
        look="Divide by the root of their mean: a normed row has a mean square of 1.",
        variants=[{"rmsnorm": _norm_to_length_one}],
    ),
    Fault(
        name="no-first-norm",
        what="there is no norm after the embeddings",
        look="The reference norms x = wte[token] + wpe[position] before the first layer.",
        variants=[_gpt(first_norm=_same)],
    ),
    Fault(
        name="no-attention-norm",
        what="there is no norm before attention",
        look="Attention reads the norm of the residual stream; the stream itself goes around it.",
        variants=[_gpt(attention_norm=_same)],
    ),
    Fault(
        name="no-mlp-norm",
        what="there is no norm before the MLP",
        look="The MLP reads the norm of the residual stream; the stream itself goes around it.",
        variants=[_gpt(mlp_norm=_same)],
    ),
    Fault(
        name="norm-before-the-head",
        what="there is a norm before the head",
        look="The reference has none there: the head reads the residual stream as it is.",
        variants=[_gpt(last_norm=rmsnorm)],
    ),
    Fault(
        name="no-residual",
        what="a residual connection is missing",
        look="x + attention(norm(x)), then x + mlp(norm(x)): both add to what they read.",
        variants=[
            _gpt(around_attention=_right),
            _gpt(around_mlp=_right),
            _gpt(around_attention=_right, around_mlp=_right),
        ],
    ),
    Fault(
        name="no-positions",
        what="the position embeddings are not added",
        look="Row t of the input is wte[token] + wpe[t].",
        variants=[_gpt(locate=_left)],
    ),
    Fault(
        name="tied-head",
        what="the head is tied: it multiplies with wte",
        look="The head has its own matrix, lm_head.",
        variants=[_gpt(head="wte")],
    ),
    Fault(
        name="gelu",
        what="the MLP has GELU",
        look="The reference has ReLU: max(a, 0).",
        variants=[
            _activation(lambda a: a * _normal(a), _gelu_slope),
            _activation(lambda a: a * (1 + _tanh(a)) / 2, _tanh_gelu_slope),
        ],
    ),
    Fault(
        name="silu",
        what="the MLP has SiLU",
        look="The reference has ReLU: max(a, 0).",
        variants=[_activation(lambda a: a * _sigmoid(a), lambda a: _sigmoid(a) * (1 + a * (1 - _sigmoid(a))))],
    ),
    Fault(
        name="squared-relu",
        what="the MLP has the square of ReLU",
        look="The reference has ReLU: max(a, 0).",
        variants=[_activation(lambda a: max(a, 0.0) ** 2, lambda a: 2 * max(a, 0.0))],
    ),
    Fault(
        name="no-activation",
        what="the MLP has no activation",
        look="Between fc1 and fc2 stands ReLU: max(a, 0).",
        variants=[{"relu": _same}],
    ),
    Fault(
        name="matrices-read-columnwise",
        what="matrices are read as inputs x outputs",
        look="Every matrix is outputs x inputs: y = W x, or x @ W.T where x has a row for each position.",
        variants=[_linear_read_columnwise(square_alone=True), _linear_read_columnwise(square_alone=False)],
    ),
    Fault(
        name="loss-softmax-overflows",
        what="the loss's softmax does not take its maximum off, and overflows",
        look="Take the largest logit of a row off all of them before exp: it changes no share.",
        variants=[{"cross_entropy": faulty({"softmax": naive_softmax}).cross_entropy}],
    ),
    Fault(
        name="loss-summed",
        what="the loss is the sum over the predictions",
        look="Divide it by T, the number of predictions.",
        variants=[_loss_times(lambda predictions: predictions)],
    ),
    Fault(
        name="loss-in-bits",
        what="the loss is in bits",
        look="Take the natural logarithm: the loss is in nats.",
        variants=[_loss_times(lambda predictions: 1 / math.log(2))],
    ),
)
