"""Plain numbers in, plain numbers out: how questions call the reference.

Scores count in units of ln 2 here, so that e to the score is a power of two and can be worked out in the head.
"""

LN2 = math.log(2)


def plain(value):
    """Return the numbers of a node, or of a list of them, for printing."""
    return value.data if isinstance(value, Node) else [node.data for node in value]


def shares_of(scores):
    """Softmax of scores given in units of ln 2."""
    return softmax([score * LN2 for score in scores])


def attend(query, keys, values):
    """What the last token takes from all tokens so far: one head of one channel."""
    q = Node([[query * LN2] for _ in keys])
    k, v = Node([[key] for key in keys]), Node([[value] for value in values])
    return attention(q, k, v, 1).data[-1][0]


def after(gradient, steps, lr):
    """Where a weight that starts at 0 stands after this gradient at every step."""
    w, m, v = [[0.0]], [[0.0]], [[0.0]]
    for step in range(1, steps + 1):
        w, m, v = adam(w, [[gradient]], m, v, step, lr)
    return w[0][0]
