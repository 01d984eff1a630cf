"""To be added at the end of the course's helpers.py."""

# ---- chapter C ----


def looked_up(table, tokens):
    """The vector of each token."""
    return embed(Node(table), tokens).data


def differing(a, b):
    """In how many places two lists of numbers differ."""
    return sum(x != y for x, y in zip(a, b, strict=True))


def entering(token_rows, place_rows, tokens):
    """What gpt adds up for each token before the first norm: it stands behind the logits of a model without layers."""
    w = {"wte": Node(token_rows), "wpe": Node(place_rows), "lm_head": Node(token_rows)}
    normed = gpt(tokens, w, 1).parents[0]
    return normed.parents[0].data


def how_many_differ(rows):
    """How many different rows there are."""
    return len(set(map(tuple, rows)))


def linear_of(x, weights):
    """A linear layer for one token."""
    return linear(Node([x]), Node(weights)).data[0]


def normed(x):
    """RMSNorm of one token, rounded; refused where its root is not a whole number, for that takes a calculator."""
    if math.isqrt(sum(a * a for a in x) // len(x)) ** 2 * len(x) != sum(a * a for a in x):
        raise ValueError("no whole root")
    return [round(a, 4) for a in rmsnorm(Node([x])).data[0]]


def normed_squares(x):
    """The squares of the numbers that RMSNorm makes of one token, rounded."""
    return [round(a * a, 4) for a in rmsnorm(Node([x])).data[0]]


def normed_ratio(x):
    """How many times the first number is the last, after RMSNorm."""
    first, *_, last = rmsnorm(Node([x])).data[0]
    return last / first


def shares_at(place, scores):
    """The shares of the token at a place, whose scores, in units of ln 2, are known for the whole text."""
    scores[place]  # a place outside the text is an error
    return causal_softmax(Node([[score * LN2 for score in scores]] * len(scores))).data[place]


def shares_of_products(channels, products):
    """The last token's shares: in every channel, query x key is the product given for a token, in units of ln 2."""
    size, tokens = int(channels), range(len(products))
    q, k = Node([[LN2] * size for _ in tokens]), Node([[product] * size for product in products])
    whole = Node([[float(i == j) for j in tokens] for i in tokens])  # whoever averages these has the shares
    return attention(q, k, whole, 1).data[-1]


def score_apart(channels, products):
    """By how many units of ln 2 the last token's score is above the first's."""
    first, *_, last = shares_of_products(channels, products)
    return math.log2(last / first)


def seen_by(head, heads, rows):
    """The numbers that the first or the last head gets of a text: a row for each token."""
    if len(rows[0]) % int(heads):
        raise ValueError("the channels do not come out even")
    return split(Node(rows), int(heads))[0 if head == "first" else -1].data


def in_a_row(rows):
    """All numbers of some rows, one after the other."""
    return [number for row in rows for number in row]


def attend_in_heads(query, keys, values):
    """What the last token takes from all tokens so far, with as many heads as channels."""
    q = Node([[a * LN2 for a in query] for _ in keys])
    return attention(q, Node(keys), Node(values), len(query)).data[-1]


def with_parts(parts, run):
    """Run something while parts of the subject are replaced."""
    kept = {name: globals()[name] for name in parts}
    globals().update(parts)
    try:
        return run()
    finally:
        globals().update(kept)


def diagonal(size, number=1):
    """A square matrix with a number on the diagonal: a linear layer that multiplies everything by it."""
    return Node([[float(number * (i == j)) for j in range(size)] for i in range(size)])


def layers_of(count, size, **numbers):
    """The weights of some layers: square matrices that multiply by 1, or by the number given under their name."""
    names = ("wq", "wk", "wv", "wo", "fc1", "fc2")
    return {f"layer{i}.{name}": diagonal(size, numbers.get(name, 1)) for i in range(count) for name in names}


def through_layers(stream, attention_gives, mlp_gives, layers):
    """One token's stream after some layers whose two parts give these numbers, whatever they read."""
    size = len(stream)
    w = {"wte": Node([stream]), "wpe": diagonal(size, 0), "lm_head": diagonal(size), **layers_of(layers, size)}
    parts = {"attention": lambda *_: Node([attention_gives]), "relu": lambda _: Node([mlp_gives])}
    return with_parts({"rmsnorm": lambda x: x, **parts}, lambda: gpt([0], w, 1).data[0])


def stream_sizes(embedding, times, layers):
    """A stream of one channel before and after each layer; attention gives `times` what it reads, the MLP nothing."""
    w = {"wte": diagonal(1, embedding), "wpe": diagonal(1, 0), "lm_head": diagonal(1)}
    quiet = {"wq": 0, "wk": 0, "fc1": 0, "fc2": 0}
    streams = [gpt([0], w | layers_of(n, 1, wo=times, **quiet), 1).data for n in range(layers, -1, -1)]
    return [round(stream[0][0], 3) for stream in reversed(streams)]


def mlp(x, first, second):
    """Two linear layers and a ReLU between them: one number in, one out."""
    return linear(relu(linear(Node([[x]]), Node([[a] for a in first]))), Node([second])).data[0][0]


def drawn(first, second):
    """Whether the MLP's line through -1, 0 and 1 is straight."""
    below, middle, above = (mlp(x, first, second) for x in (-1, 0, 1))
    return "straight" if above - middle == middle - below else "bent"


def logits_of(tokens, embeddings, head):
    """The logits of a model that has no layers, no norm, and zeros for its places."""
    w = {"wte": Node(embeddings), "wpe": Node([[0] * len(embeddings[0]) for _ in tokens]), "lm_head": Node(head)}
    return with_parts({"rmsnorm": lambda x: x}, lambda: gpt(tokens, w, 1).data)


def best_of(scores):
    """Where the highest of some scores stands."""
    return scores.index(max(scores))


def rows_kept(before, after):
    """How many rows of logits are the same, place by place, for two texts, in a model of two channels and one layer."""
    letters, places = [[i + 1.0, 9.0 - i] for i in range(26)], [[float(t), 1.0] for t in range(9)]
    w = {"wte": Node(letters), "wpe": Node(places), "lm_head": diagonal(2), **layers_of(1, 2)}
    a, b = (gpt([ord(letter) - ord("a") for letter in text], w, 1).data for text in (before, after))
    return sum(max(abs(x - y) for x, y in zip(r, s, strict=True)) < 1e-9 for r, s in zip(a, b, strict=False))
