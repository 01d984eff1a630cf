"""How the reference is trained and measured, to see what a misconception does to it (see docs/decisions/0007).

A mutant may change any part of the subject, so nothing here relies on its parts to judge it: the tokens, the surprise
and what the model may look at are written out.
"""

HELD_OUT = 100  # documents to measure with; the others are trained on
HEADS = 4


def measure(documents, seed, steps):
    """Return the surprise per token, in nats, at documents that were not trained on; None if it has other tokens."""
    weights, chars, _ = train(documents[HELD_OUT:], steps, seed, HEADS, report=lambda line: None)
    w = {name: Node(rows) for name, rows in weights.items()}
    surprises = []
    for document in documents[:HELD_OUT]:
        tokens = [len(chars), *(chars.index(char) for char in document), len(chars)]
        if encode(document, chars) != tokens:
            return None
        for t in range(1, len(tokens)):  # only what came before: a model that looks ahead finds nothing there
            surprises.append(surprise(gpt(tokens[:t], w, HEADS).data[-1], tokens[t]))
    return sum(surprises) / len(surprises)


def surprise(logits, target):
    """-ln of the share that softmax gives the target."""
    top = max(logits)
    return top + math.log(sum(math.exp(logit - top) for logit in logits)) - logits[target]


def gradients():
    """Return a loss, and how fast it grows along one direction of each matrix: as `backward` says, and as it does."""
    rng = random.Random(1)
    tokens, weights = [4, 0, 1, 1, 2, 0, 3, 4], init_weights(rng, 5, std=0.5)
    loss, grads = loss_and_gradients(weights, tokens, HEADS)
    claimed, measured, h = [], [], 1e-5
    for name, rows in weights.items():
        along = [[rng.choice((-1, 1)) for _ in row] for row in rows]
        claimed.append(sum(g * a for pair in zip(grads[name], along, strict=True) for g, a in zip(*pair, strict=True)))
        ahead, back = ({**weights, name: moved(rows, along, distance)} for distance in (h, -h))
        growth = loss_and_gradients(ahead, tokens, HEADS)[0] - loss_and_gradients(back, tokens, HEADS)[0]
        measured.append(growth / (2 * h))
    return [loss, claimed, measured]


def moved(rows, along, distance):
    """Rows, each number a distance further in its direction."""
    return [
        [x + distance * a for x, a in zip(row, directions, strict=True)]
        for row, directions in zip(rows, along, strict=True)
    ]
