"""A GPT, all of it, in 200 lines of plain Python: it reads names and learns to write new ones.

Read it from top to bottom, and run it:  python -m microgpt.reference names.txt --steps 1000
The function is that of Andrej Karpathy's microgpt.py, number for number; the text is ours.
Shapes are rows x columns:  T  tokens of a document     C  channels, the numbers of one token
                            V  tokens of the alphabet   D  channels of one attention head
"""
import argparse
import math
import random
from collections.abc import Callable, Iterable, Sequence
from operator import mul
Rows = list[list[float]]
Weights = dict[str, Rows]

# ---- Data and tokenizer: a model sees no letters, only numbers ------------------------------
def read_documents(path: str) -> list[str]:
    """Return the lines of a text file, each a document; blank ones do not count."""
    with open(path, encoding="utf-8") as lines:
        return [line.strip() for line in lines if line.strip()]

def encode(text: str, chars: Sequence[str]) -> list[int]:
    """Turn characters into their places in `chars`; BOS, the token len(chars), goes around."""
    return [len(chars)] + [chars.index(char) for char in text] + [len(chars)]

# ---- Autograd: every operation remembers how to send a gradient back ------------------------
class Node:
    """Rows of numbers, the nodes they were computed from, and the way back to those.
    `grad` has the shape of `data`: how fast the loss grows with each number.
    `pull` takes the gradient of this node and returns one gradient for each parent."""
    __slots__ = ("data", "grad", "parents", "pull")
    def __init__(self, data: Rows, parents: "tuple[Node, ...]" = (),
                 pull: Callable[[Rows], tuple[Rows, ...]] = lambda grad: ()) -> None:
        self.data, self.grad, self.parents, self.pull = data, Rows(), parents, pull

def backward(loss: Node) -> None:
    """Fill in the gradient of every node behind the loss: the chain rule, from the end back."""
    order, seen, stack = list[Node](), set[Node](), [(loss, False)]
    while stack:  # a stack of our own: a deep model would overflow Python's
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack += [(node, True)] + [(parent, False) for parent in node.parents]
    loss.grad = [[1.0]]
    for node in reversed(order):  # a node's turn comes after all that were computed from it
        for parent, grad in zip(node.parents, node.pull(node.grad)):
            parent.grad = plus(parent.grad, grad) if parent.grad else grad

def zeros(like: Rows) -> Rows:
    return [[0.0] * len(row) for row in like]
def plus(a: Rows, b: Rows) -> Rows:
    return [[x + y for x, y in zip(r, s)] for r, s in zip(a, b)]
def dot(a: Iterable[float], b: Iterable[float]) -> float:
    return sum(map(mul, a, b), 0.0)
def dots(a: Iterable[Iterable[float]], b: Iterable[Iterable[float]]) -> Rows:
    b = list(b)
    return [[sum(map(mul, row, other), 0.0) for other in b] for row in a]  # dot, inlined for speed
def add(a: Node, b: Node) -> Node:  # the gradient goes to both, whole
    return Node(plus(a.data, b.data), (a, b), lambda grad: (grad, grad))
def scale(x: Node, by: float) -> Node:
    return Node([[a * by for a in row] for row in x.data], (x,),
                lambda grad: ([[g * by for g in row] for row in grad],))
def relu(x: Node) -> Node:  # negative numbers become 0, and pass no gradient
    return Node([[a if a > 0 else 0.0 for a in row] for row in x.data], (x,), lambda grad: (
        [[g if a > 0 else 0.0 for a, g in zip(row, gs)] for row, gs in zip(x.data, grad)],))
def linear(x: Node, w: Node) -> Node:  # T x inputs, outputs x inputs -> T x outputs
    return Node(dots(x.data, w.data), (x, w), lambda grad: (
        dots(grad, zip(*w.data)), dots(zip(*grad), zip(*x.data))))
def mix(shares: Node, v: Node) -> Node:  # T x T, T x D -> T x D: each output averages rows of v
    return Node(dots(shares.data, zip(*v.data)), (shares, v), lambda grad: (
        dots(grad, v.data), dots(zip(*shares.data), zip(*grad))))
def embed(table: Node, ids: Sequence[int]) -> Node:  # T rows of a table, looked up
    def pull(grad: Rows) -> tuple[Rows]:
        out = zeros(table.data)
        for i, row in zip(ids, grad):
            out[i] = [a + b for a, b in zip(out[i], row)]  # looked up twice: both gradients
        return (out,)
    return Node([table.data[i] for i in ids], (table,), pull)

def rmsnorm(x: Node) -> Node:  # each row scaled to a mean square of 1
    scales = [(dot(row, row) / len(row) + 1e-5) ** -0.5 for row in x.data]
    out = [[a * s for a in row] for row, s in zip(x.data, scales)]
    return Node(out, (x,), lambda grad: ([[s * (g - a * d / len(row)) for a, g in zip(row, gs)]
        for row, gs, s, d in zip(out, grad, scales, map(dot, out, grad))],))

def softmax(scores: list[float]) -> list[float]:
    """Turn scores into shares, none negative, that add up to 1."""
    top = max(scores)  # changes no share, but keeps exp from overflowing
    exps = [math.exp(score - top) for score in scores]
    total = sum(exps)
    return [e / total for e in exps]
def causal_softmax(x: Node) -> Node:  # T x T: row t shares out among 0 ... t, not the future
    out = [softmax(row[:t + 1]) + [0.0] * (len(row) - t - 1) for t, row in enumerate(x.data)]
    return Node(out, (x,), lambda grad: ([[p * (g - mean) for p, g in zip(ps, gs)]
        for ps, gs, mean in zip(out, grad, map(dot, out, grad))],))
def cross_entropy(logits: Node, targets: list[int]) -> Node:  # T x V -> mean surprise, in nats
    probs, n = [softmax(row) for row in logits.data], len(targets)
    loss = sum(-math.log(ps[target]) for ps, target in zip(probs, targets)) / n
    return Node([[loss]], (logits,), lambda grad: ([[(p - (i == target)) * grad[0][0] / n
        for i, p in enumerate(ps)] for ps, target in zip(probs, targets)],))

def split(x: Node, n_head: int) -> list[Node]:  # T x C -> T x D for each head
    C, D = len(x.data[0]), len(x.data[0]) // n_head
    return [Node([row[lo:lo + D] for row in x.data], (x,), lambda grad, lo=lo: (
        [[0.0] * lo + row + [0.0] * (C - lo - D) for row in grad],)) for lo in range(0, C, D)]
def join(heads: list[Node]) -> Node:  # T x D for each head -> T x C, side by side again
    D, rows = len(heads[0].data[0]), zip(*[head.data for head in heads])
    return Node([[a for part in row for a in part] for row in rows], tuple(heads), lambda grad: (
        tuple([row[i * D:i * D + D] for row in grad] for i in range(len(heads)))))

# ---- Model: tokens in; out, for each, a score of every token that may come next -------------
def init_weights(rng: random.Random, vocab_size: int, n_layer: int = 1, n_embd: int = 16,
                 block_size: int = 16, std: float = 0.08) -> Weights:
    """Draw every weight from a normal distribution, matrix by matrix in the order of `shapes`."""
    V, C = vocab_size, n_embd
    shapes = {"wte": (V, C), "wpe": (block_size, C), "lm_head": (V, C)}
    for i in range(n_layer):
        shapes |= {f"layer{i}.{name}": (C, C) for name in ("wq", "wk", "wv", "wo")}
        shapes |= {f"layer{i}.fc1": (4 * C, C), f"layer{i}.fc2": (C, 4 * C)}
    return {name: [[rng.gauss(0, std) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in shapes.items()}

def attention(q: Node, k: Node, v: Node, n_head: int) -> Node:
    """Let every token gather from the values up to its own."""
    heads = list[Node]()
    for qh, kh, vh in zip(*[split(x, n_head) for x in (q, k, v)]):
        scores = scale(linear(qh, kh), len(qh.data[0]) ** -0.5)  # dot products over root D
        shares = causal_softmax(scores)
        heads.append(mix(shares, vh))
    return join(heads)

def gpt(tokens: list[int], w: dict[str, Node], n_head: int) -> Node:
    """Return logits, T x V: row t scores what may follow tokens 0 ... t."""
    x = rmsnorm(add(embed(w["wte"], tokens), embed(w["wpe"], range(len(tokens)))))
    for i in range(len(w) // 6):  # a layer has six matrices, and three have no layer
        wq, wk, wv, wo, fc1, fc2 = (w[f"layer{i}.{n}"] for n in "wq wk wv wo fc1 fc2".split())
        a = rmsnorm(x)
        x = add(x, linear(attention(linear(a, wq), linear(a, wk), linear(a, wv), n_head), wo))
        x = add(x, linear(relu(linear(rmsnorm(x), fc1)), fc2))
    return linear(x, w["lm_head"])

# ---- Training and sampling: measure the surprise, step against its gradient, repeat ---------
def loss_and_gradients(weights: Weights, tokens: list[int], n_head: int) -> tuple[float, Weights]:
    w = {name: Node(rows) for name, rows in weights.items()}
    loss = cross_entropy(gpt(tokens[:-1], w, n_head), tokens[1:])
    backward(loss)
    return loss.data[0][0], {name: node.grad or zeros(node.data) for name, node in w.items()}

def adam(w: Rows, g: Rows, m: Rows, v: Rows, step: int, lr: float,
         beta1: float = 0.85, beta2: float = 0.99, eps: float = 1e-8) -> tuple[Rows, Rows, Rows]:
    """One step of Adam (Kingma and Ba 2015): new weights, averages of gradients and squares."""
    rest1, rest2, sqrt = 1 - beta1, 1 - beta2, math.sqrt
    m = [[beta1 * a + rest1 * b for a, b in zip(r, s)] for r, s in zip(m, g)]
    v = [[beta2 * a + rest2 * b * b for a, b in zip(r, s)] for r, s in zip(v, g)]
    k, full = lr / (1 - beta1**step), 1 - beta2**step  # averages that began at 0 are not full yet
    w = [[a - k * b / (sqrt(c / full) + eps) for a, b, c in zip(*rows)] for rows in zip(w, m, v)]
    return w, m, v

def train(docs: list[str], steps: int, seed: int = 42, n_head: int = 4,
          report: Callable[[str], None] = print) -> tuple[Weights, list[str], random.Random]:
    """Learn from one document a step; return the weights, the characters and the generator."""
    rng = random.Random(seed)
    rng.shuffle(docs := docs[:])
    chars = sorted(set("".join(docs)))
    weights = init_weights(rng, len(chars) + 1)
    m, v = ({name: zeros(rows) for name, rows in weights.items()} for _ in range(2))
    for step in range(steps):
        tokens = encode(docs[step % len(docs)], chars)[:len(weights["wpe"]) + 1]
        loss, grads = loss_and_gradients(weights, tokens, n_head)
        lr = 0.01 * (1 - step / steps)  # smaller and smaller, to settle down
        for n in weights:
            weights[n], m[n], v[n] = adam(weights[n], grads[n], m[n], v[n], step + 1, lr)
        report(f"step {step + 1:4} / {steps:4} | loss {loss:.4f}")
    return weights, chars, rng

def sample(weights: Weights, chars: list[str], rng: random.Random, temperature: float = 0.5,
           n_head: int = 4) -> str:
    """Write a document: draw a token from the shares, append it, again; until BOS or full."""
    w = {name: Node(rows) for name, rows in weights.items()}
    tokens = [len(chars)]  # BOS
    while len(tokens) <= len(weights["wpe"]):
        logits = gpt(tokens, w, n_head).data[-1]
        shares = softmax([logit / temperature for logit in logits])
        tokens += rng.choices(range(len(shares)), weights=shares)
        if tokens[-1] == len(chars):
            break
    return "".join(chars[token] for token in tokens if token < len(chars))

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train on the lines of FILE, then write 20 more.")
    parser.add_argument("file")
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    try:
        weights, chars, rng = train(read_documents(args.file), args.steps)
    except (OSError, ValueError, ZeroDivisionError) as error:  # no file, no text, no line in it
        parser.error(f"nothing to learn from in {args.file!r}: {error}")
    print(*[sample(weights, chars, rng) for _ in range(20)], sep="\n")
