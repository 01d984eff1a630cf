"""Plain numbers in, plain numbers out: how questions call the reference.

Scores count in units of ln 2 here, so that e to the score is a power of two and can be worked out in the head.
"""

import builtins
import fractions
import io
import itertools
import types

LN2 = math.log(2)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
GENERATED = False  # `course lock` makes it true while it tries questions that it made up: they must be easy


def plain(value):
    """Return the numbers of a node, or of a list of them, for printing."""
    return value.data if isinstance(value, Node) else [node.data for node in value]


def near_enough(scores, most=2):
    """Refuse made-up scores, in units of ln 2, too far apart for their shares to be worked out in the head."""
    if GENERATED and max(scores) - min(scores) > most:
        raise ValueError(f"scores more than {most} apart")


def shares_of(scores):
    """Softmax of scores given in units of ln 2."""
    near_enough(scores, 3)
    return softmax([score * LN2 for score in scores])


def attend(query, keys, values):
    """What the last token takes from all tokens so far: query, keys and values of one channel."""
    near_enough([query * key for key in keys])
    q = Node([[query * LN2] for _ in keys])
    k, v = Node([[key] for key in keys]), Node([[value] for value in values])
    return attention(q, k, v, 1).data[-1][0]


def gained(query, keys, more):
    """How much more the last token takes if the first value is so much larger; the other values don't matter."""
    values = list(range(len(keys)))
    return attend(query, keys, [values[0] + more, *values[1:]]) - attend(query, keys, values)


def after(gradient, steps, lr):
    """Where a weight that starts at 0 stands after this gradient at every step."""
    w, m, v = [[0.0]], [[0.0]], [[0.0]]
    for step in range(1, steps + 1):
        w, m, v = adam(w, [[gradient]], m, v, step, lr)
    return w[0][0]


def length_of_first_step(gradient, lr):
    """How long Adam's first step is beside lr, in words."""
    length = abs(after(gradient, 1, lr))
    if math.isclose(length, lr, rel_tol=0.01):
        return "just lr"
    return "shorter than lr" if length < lr else "longer than lr"


def steps_until(gradient, lr, distance):
    """How many steps with the same gradient it takes until a weight has moved this far."""
    for steps in range(1, 100):
        if abs(after(gradient, steps, lr)) >= distance:
            return steps
    raise ValueError(f"after 99 steps of about {lr} the weight has not moved by {distance}")


def with_parts(parts, run):
    """Run something while parts of the subject are replaced."""
    kept = {name: globals()[name] for name in parts}
    globals().update(parts)
    try:
        return run()
    finally:
        globals().update(kept)


# ---- what goes in and what comes out ----


def characters_of(data):
    """The characters that a model knows which was made for this data."""
    _, chars, _ = train([data], 0)
    return chars


def numbers_of(text, data):
    """The numbers of a text's characters in a model that was made for this data, without BOS at its ends."""
    return encode(text, characters_of(data))[1:-1]


def tokens_known(alphabet):
    """How many tokens a model knows that was made for this alphabet."""
    weights, _, _ = train([alphabet], 0)
    return len(weights["wte"])


def documents_of(lines):
    """What read_documents makes of a file with these lines, each with a line break after it."""
    content = "".join(f"{line}\n" for line in lines)

    def open_it(path, mode="r", *_, **__):
        return io.BytesIO(content.encode()) if "b" in mode else io.StringIO(content)

    kept = builtins.open, io.open  # pathlib calls the second; a real file can't be written where this runs
    builtins.open = io.open = open_it
    try:
        return read_documents("a file")
    finally:
        builtins.open, io.open = kept


def lengths_of(documents):
    """How many characters each document has."""
    return [len(document) for document in documents]


def asked_in_training(name):
    """For each place at which training scores a prediction, of BOS, the name and BOS, the place of the right answer."""
    asked, read, run_model, measure = {}, {}, gpt, cross_entropy

    def reading(tokens, *rest):
        logits = run_model(tokens, *rest)
        read.update((id(row), token) for token, row in zip(tokens, logits.data, strict=False))
        return logits

    def measuring(logits, targets):
        asked.update((read[id(row)], target) for row, target in zip(logits.data, targets, strict=False))
        return measure(logits, targets)

    places = list(range(len(name) + 2))  # each a token of its own
    weights = init_weights(random.Random(42), len(places), block_size=len(places))
    with_parts({"gpt": reading, "cross_entropy": measuring}, lambda: loss_and_gradients(weights, places, 4))
    return asked


def right_answer(name, letters_read):
    """The letter that training wants after BOS and some letters of a name; BOS, or none where nothing is asked."""
    asked = asked_in_training(name)
    return ["BOS", *name, "BOS"][asked[letters_read]] if letters_read in asked else "none"


def loss_from_shares(rows, came):
    """The loss of predictions whose shares are given, a row a place; it is the mean over the places."""
    scores = [[math.log(share) if share else -math.inf for share in row] for row in rows]
    return cross_entropy(Node(scores), came).data[0][0]


def higher_loss(came, shares, rest_on):
    """Which of two models has the higher loss, if each gave the letter that came a share, and another one the rest."""
    token, losses = ord(came) - ord("a"), []
    for share, other in zip(shares, rest_on, strict=True):
        if other == came:
            raise ValueError("the rest goes to another letter")
        row = [0.0] * 26
        row[token], row[ord(other) - ord("a")] = float(fractions.Fraction(share)), 1 - float(fractions.Fraction(share))
        losses.append(loss_from_shares([row], [token]))
    return which_is_higher(*losses)


def which_is_higher(first, second):
    """Which of two numbers is higher."""
    return "both the same" if abs(first - second) < 1e-9 else "the first" if first > second else "the second"


def in_bits(run):
    """Run something with the logarithm to base 2 in place of the natural one, so that losses count in bits."""
    return with_parts({"math": types.SimpleNamespace(**{**vars(math), "log": math.log2})}, run)


def bits_of(rows, came):
    """The loss in bits of predictions whose shares are given, a row a place."""
    if GENERATED and not all(math.log2(row[token]).is_integer() for row, token in zip(rows, came, strict=True)):
        raise ValueError("no power of two")
    scores = [[math.log(share) if share else -math.inf for share in row] for row in rows]
    return in_bits(lambda: cross_entropy(Node(scores), came).data[0][0])


def higher_mean_loss(first, second):
    """Which of two lists of shares, given to the tokens that came, has the higher loss."""
    rows = [[[share, 1 - share] for share in shares] for shares in (first, second)]
    return which_is_higher(*(loss_from_shares(row, [0] * len(row)) for row in rows))


def bits_beside_even(tokens_in_all, times):
    """The loss in bits if the token that came had an even share times a number, and the others share the rest."""
    kinds = int(tokens_in_all)
    share = float(fractions.Fraction(times)) / kinds
    return bits_of([[share] + [(1 - share) / (kinds - 1)] * (kinds - 1)], [0])


def higher_than_even(tokens_in_all, share):
    """Whether even shares or this share for the token that came have the higher loss."""
    kinds = int(tokens_in_all)
    even, other = bits_beside_even(kinds, "1"), bits_beside_even(kinds, fractions.Fraction(share) * kinds)
    return "both the same" if abs(even - other) < 1e-9 else "the even one" if even > other else "the other one"


def weights_drawn_with(scores, temperature):
    """The weights that sample draws with, at scores in units of ln 2."""
    drawn_with = []

    def choices(tokens, weights):
        drawn_with.extend(weights)
        return [len(scores) - 1]  # BOS

    rng, chars = types.SimpleNamespace(choices=choices), ["a"] * (len(scores) - 1)
    logits = Node([[score * LN2 for score in scores]])
    with_parts({"gpt": lambda *_: logits}, lambda: sample({"wpe": [[0.0]]}, chars, rng, temperature))
    return drawn_with


def shares_when_writing(scores, temperature):
    """The shares that sample draws with, at scores in units of ln 2."""
    heat = fractions.Fraction(temperature)
    exponents = [fractions.Fraction(score) / heat for score in scores]
    whole = all(exponent.denominator == 1 for exponent in exponents)
    if GENERATED and not (whole and max(exponents) - min(exponents) <= 4):
        raise ValueError("no small power of two")
    return weights_drawn_with(scores, float(heat))


def times_as_likely(scores, temperature):
    """How many times as likely as the last token the first one is, when the model writes."""
    first, *_, last = shares_when_writing(scores, temperature)
    return first / last


def change_of_last_share(scores, temperature):
    """What the share of the last token, the best or the worst, does from a temperature of 1 to another."""
    *others, last = scores
    if GENERATED and min(others) <= last <= max(others):
        raise ValueError("in the middle it takes a calculator")
    (*_, before), (*_, now) = (weights_drawn_with(scores, float(fractions.Fraction(t))) for t in ("1", temperature))
    return "it stays" if abs(now - before) < 1e-9 else "it grows" if now > before else "it shrinks"


def sample_with(drawn, context):
    """What sample returns if these letters are drawn ("." is BOS), and how many tokens the model reads in each run."""
    chars, read = sorted(set(drawn) - {"."}), []
    coming = [chars.index(letter) if letter != "." else len(chars) for letter in drawn]

    def run_model(tokens, *_):
        read.append(len(tokens))
        token = coming[len(read) - 1] if len(read) <= len(coming) else len(chars)  # the likeliest is what is drawn
        return Node([[9.0 * (i == token) for i in range(len(chars) + 1)]])

    rng = types.SimpleNamespace(choices=lambda tokens, weights: [weights.index(max(weights))])
    text = with_parts({"gpt": run_model}, lambda: sample({"wpe": [[0.0]] * context}, chars, rng))
    return text, read


def written(drawn, context):
    """What sample returns if these letters are drawn, one after the other; "." is BOS."""
    return sample_with(drawn, context)[0]


def read_in_each_run(drawn, context):
    """How many tokens the model reads in each of its runs, if these letters are drawn; "." is BOS."""
    return sample_with(drawn, context)[1]


def drawn_at(shares, random_number):
    """The token that sample writes where a number between 0 and 1 points at one of the shares laid side by side."""

    def choices(tokens, weights):
        ends = itertools.accumulate(weights)
        return [next(token for token, end in zip(tokens, ends, strict=True) if random_number < end)]

    chars = [chr(ord("a") + i) for i in range(len(shares))]  # one for each share; BOS comes on top, with none
    logits = Node([[math.log(share) for share in shares] + [-math.inf]])
    rng = types.SimpleNamespace(choices=choices)
    text = with_parts({"gpt": lambda *_: logits}, lambda: sample({"wpe": [[0.0]]}, chars, rng, 1.0))
    return chars.index(text)


def how_often_last(shares):
    """How often of 100 times sample writes the last token, if the random numbers lie evenly."""
    return sum(drawn_at(shares, (i + 0.5) / 100) == len(shares) - 1 for i in range(100))


# ---- gradients ----


def gradient_of_line(number, factor, rest):
    """The gradient of a number whose loss is factor x number + rest."""
    x = Node([[number]])
    backward(add(scale(x, factor), Node([[rest]])))
    return x.grad[0][0]


def moves_loss_more(numbers, factors):
    """Which of two numbers has the larger gradient, where each is multiplied by its factor and the loss is the sum."""
    a, b = (Node([[number]]) for number in numbers)
    backward(add(scale(a, factors[0]), scale(b, factors[1])))
    first, second = abs(a.grad[0][0]), abs(b.grad[0][0])
    return "both alike" if first == second else "the first" if first > second else "the second"


def gradients_through(number, factors):
    """The gradients of a number and of the results in between, where it is multiplied by factor after factor."""
    nodes = [Node([[number]])]
    for factor in factors:
        nodes.append(scale(nodes[-1], factor))
    backward(nodes[-1])
    return [node.grad[0][0] for node in nodes[:-1]]


def gradient_through_relu(number, first, second):
    """The gradient of a number whose loss is second x relu(first x number)."""
    x = Node([[number]])
    backward(scale(relu(scale(x, first)), second))
    return x.grad[0][0]


def gradient_over_ways(number, ways):
    """The gradient of a number that two ways multiply by their factors in turn; the loss is the sum."""
    x = Node([[number]])
    first, second = x, x
    for factor in ways[0]:
        first = scale(first, factor)
    for factor in ways[1]:
        second = scale(second, factor)
    backward(add(first, second))
    return x.grad[0][0]


def gradient_of_square(number):
    """The gradient of a number where the loss is number x number."""
    x = Node([[number]])
    backward(linear(x, x))
    return x.grad[0][0]


def gradient_past_layers(number, factors):
    """The gradient of a number to which each layer adds a multiple of what has become of it so far."""
    x = stream = Node([[number]])
    for factor in factors:
        stream = add(stream, scale(stream, factor))
    backward(stream)
    return x.grad[0][0]


def walk_past_middle(first, detour, direct):
    """The gradient of a number, and those that its product with `first` had when it passed one back, turn by turn."""
    passed = []

    def pull(grad):
        passed.append(grad[0][0])
        return ([[g * first for g in row] for row in grad],)

    number = Node([[1.0]])
    middle = Node([[float(first)]], (number,), pull)
    around = middle
    for factor in detour:
        around = scale(around, factor)
    backward(add(around, scale(middle, direct)))
    return number.grad[0][0], passed


def weights_after_a_step(weights, measure):
    """What `train` makes of some weights in its first step, where `measure` gives it the loss and the gradients."""
    parts = {
        "init_weights": lambda *_: {"wpe": [list(weights)]},
        "loss_and_gradients": lambda w, *_: (measure(w["wpe"][0])[0], {"wpe": [measure(w["wpe"][0])[1]]}),
    }
    return with_parts(parts, lambda: train(["a"], 1, report=lambda _: None))[0]["wpe"][0]


def moved_by_a_step(weight, gradient, loss):
    """Which way the first step of `train` moves a weight, and whether by more than its learning rate of 0.01."""
    by = weights_after_a_step([weight], lambda _: (loss, [gradient]))[0] - weight
    return f"{'far' if abs(by) > 0.0101 else 'a little'} {'higher' if by > 0 else 'lower'}" if by else "nowhere"


def raised_by_a_step(weights, gradients, loss):
    """Which of two weights the first step of `train` raises."""
    after_it = weights_after_a_step(weights, lambda _: (loss, gradients))
    raised = [new > old for new, old in zip(after_it, weights, strict=True)]
    return "both" if all(raised) else "the first" if raised[0] else "the second" if raised[1] else "neither"


def distance_after_a_step(weight, best):
    """The loss after the first step of `train`, where the loss is the distance between the weight and the best one."""

    def measure(weights):
        w = Node([weights])
        off = add(w, Node([[-best]]))
        loss = add(relu(off), relu(scale(off, -1.0)))
        backward(loss)
        return loss.data[0][0], w.grad[0]

    return measure(weights_after_a_step([weight], measure))[0]


def scores_for(ratio):
    """Scores whose shares are in this ratio."""
    if GENERATED and sum(ratio) not in (*range(1, 11), 12, 16, 20):
        raise ValueError("no simple shares")
    return [math.log(part) if part else -math.inf for part in ratio]


def gradients_of_scores(ratio, came):
    """The gradient of each token's score, where the loss is the surprise at the token that came."""
    logits = Node([scores_for(ratio)])
    backward(cross_entropy(logits, [came]))
    return logits.grad[0]


def gradient_of_the_right_one(ratio, came, places):
    """The gradient of the score of the token that came, at one of some places that all look the same."""
    logits = Node([scores_for(ratio) for _ in range(places)])
    backward(cross_entropy(logits, [came] * places))
    return logits.grad[0][came]


def gradients_of_weights(x, weights, came_back):
    """The gradients of the weights of a linear layer, for one token and what came back at each output."""
    return linear(Node([x]), Node(weights)).pull([came_back])[1]


def gradient_over_tokens(xs, weight, came_back):
    """The gradient of the one weight of a layer that reads one number of each token."""
    return linear(Node([[x] for x in xs]), Node([[weight]])).pull([[g] for g in came_back])[1][0][0]


def how_many_learn(gradients):
    """How many gradients are not zero."""
    return sum(g != 0 for row in gradients for g in row)


def gradients_of_rows(table, tokens, came_back):
    """The gradients of the rows of a table, one number each, for the tokens looked up and what came back for each."""
    if len(came_back) != len(tokens):
        raise ValueError("not one gradient for each token")
    return [row[0] for row in embed(Node([[a] for a in table]), tokens).pull([[g] for g in came_back])[0]]


def rows_with_gradient(name):
    """Which rows of wte get a gradient from a name, and how many rows there are; the model has no layers."""
    weights = init_weights(random.Random(1), 27, n_layer=0, n_embd=2)
    _, gradients = loss_and_gradients(weights, encode(name, ALPHABET), 1)
    return [place for place, row in enumerate(gradients["wte"]) if any(row)], len(gradients["wte"])


def rows_without_gradient(name):
    """How many rows of wte get a gradient of zero from a name."""
    rows, count = rows_with_gradient(name)
    return count - len(rows)


def gradients_of_shared_scores(ratio, came_back):
    """The gradients of the last token's scores, for what came back for each of its shares."""
    shares = causal_softmax(Node([scores_for(ratio) for _ in ratio]))
    return shares.pull([[0.0] * len(ratio) for _ in ratio[1:]] + [came_back])[0][-1]


def first_score_goes(ratio, came_back):
    """Which way a step against the gradient moves the first of the last token's scores."""
    gradient = round(gradients_of_shared_scores(ratio, came_back)[0], 9)
    return "up" if gradient < 0 else "down" if gradient > 0 else "nowhere"


# ---- the model ----


def looked_up(table, tokens):
    """The vector of each token."""
    return embed(Node(table), tokens).data


def differing(a, b):
    """In how many places two lists of numbers differ."""
    return sum(x != y for x, y in zip(a, b, strict=True))


def touched_by(row, tokens):
    """For how many tokens embed gives something else, when a row of a table of nine rows changes."""
    before = [[float(i), i + 1.0] for i in range(9)]
    after = [[a + 5 * (i == row) for a in numbers] for i, numbers in enumerate(before)]
    return sum(a != b for a, b in zip(looked_up(before, tokens), looked_up(after, tokens), strict=True))


def entering(token_rows, place_rows, tokens):
    """What gpt adds up for each token before the first norm: it stands behind the logits of a model without layers."""
    w = {"wte": Node(token_rows), "wpe": Node(place_rows), "lm_head": Node(token_rows)}
    normed = gpt(tokens, w, 1).parents[0]
    return normed.parents[0].data


def how_many_differ(rows):
    """How many different rows there are."""
    return len(set(map(tuple, rows)))


def token_behind(row, place, token_rows, place_rows):
    """The token for which gpt makes this row at a place."""
    rows = [entering(token_rows, place_rows, [token] * (place + 1))[place] for token in range(len(token_rows))]
    return rows.index(row)


def linear_of(x, weights):
    """A linear layer for one token."""
    return linear(Node([x]), Node(weights)).data[0]


def change_with_the_first(x, weights):
    """By how much each output changes when the first number of the input grows by 1."""
    before, after = linear_of(x, weights), linear_of([x[0] + 1, *x[1:]], weights)
    return [b - a for a, b in zip(before, after, strict=True)]


def whole_root(numbers):
    """Refuse made-up numbers whose root mean square is not whole: dividing by it takes a calculator."""
    if not GENERATED:
        return
    squares = sum(a * a for a in numbers)
    if math.isqrt(squares // len(numbers)) ** 2 * len(numbers) != squares:
        raise ValueError("no whole root")


def normed(numbers, *others):
    """RMSNorm of one token, in a text with others, rounded."""
    whole_root(numbers)
    return [round(a, 4) for a in rmsnorm(Node([numbers, *others])).data[0]]


def normed_squares(token, *others):
    """The squares of RMSNorm's numbers for one token of a text, rounded."""
    if GENERATED and sum(a * a for a in token) % len(token):
        raise ValueError("no whole mean square")
    return [round(a * a, 3) for a in rmsnorm(Node([token, *others])).data[0]]


def normed_ratio(token):
    """How many times its last number a token's first one is after RMSNorm."""
    first, *_, last = rmsnorm(Node([token])).data[0]
    return first / last


def shares_at(place, scores):
    """The shares that the token at a place gives, by its scores, in units of ln 2, for the whole text."""
    near_enough(scores[: place + 1], 3)
    scores[place]  # a place outside the text is an error
    return causal_softmax(Node([[score * LN2 for score in scores]] * len(scores))).data[place]


def shares_by_keys(query, keys):
    """The last token's shares: whoever averages rows with a single 1 has them."""
    whole = Node([[float(i == j) for j in range(len(keys))] for i in range(len(keys))])
    return attention(Node([query] * len(keys)), Node(keys), whole, 1).data[-1]


def shares_of_products(products):
    """The last token's shares; the products of query and key are in units of ln 2, a row for each token."""
    scores = [sum(row) / len(row) ** 0.5 for row in products]
    if GENERATED and any(score % 1 for score in scores):
        raise ValueError("no whole scores")
    near_enough(scores)
    return shares_by_keys([LN2] * len(products[0]), products)


def score_of(products, tokens):
    """The last token's score with itself, known by its share: the other tokens have zeros for keys, so score 0."""
    first, *_, last = shares_by_keys([1.0] * len(products), [[0.0] * len(products)] * (tokens - 1) + [products])
    return round(math.log(last / first), 6)


def mean_square_of_chance_scores(channels, tokens):
    """The mean square of a score over all ways in which its products can be 1 or -1."""
    signs = [[1 - 2 * (number >> channel & 1) for channel in range(channels)] for number in range(2**channels)]
    return round(sum(score_of(products, tokens) ** 2 for products in signs) / len(signs), 6)


def seen_by(head, heads, rows):
    """The numbers that the first or the last head gets of a text: a row for each token."""
    if GENERATED and len(rows[0]) % heads:
        raise ValueError("the channels do not come out even")
    return split(Node(rows), heads)[0 if head == "first" else -1].data


def in_a_row(rows):
    """All numbers of some rows, one after the other."""
    return [number for row in rows for number in row]


def attend_in_heads(query, keys, values):
    """What the last token takes from all tokens so far, with as many heads as channels."""
    for channel, number in enumerate(query):
        near_enough([number * key[channel] for key in keys])
    q = Node([[a * LN2 for a in query] for _ in keys])
    return attention(q, Node(keys), Node(values), len(query)).data[-1]


def channels_reached(channel, channels, heads):
    """In which channels what the last of four tokens gets changes with one channel of its query."""
    q, k, v = ([[math.sin(seed * (t + 2 * c)) for c in range(channels)] for t in range(4)] for seed in (1, 2, 3))
    before = attention(Node(q), Node(k), Node(v), heads).data[-1]
    q[-1][channel] += 1
    after = attention(Node(q), Node(k), Node(v), heads).data[-1]
    return [c for c, (a, b) in enumerate(zip(before, after, strict=True)) if abs(a - b) > 1e-9]


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


def found_by_parts(stream, they_give):
    """What each part of two layers reads of a stream of one number, when the parts give these numbers in turn."""
    found, giving = [], iter(they_give)

    def part(x, *_):
        found.append(x.data[0][0])
        return Node([[next(giving)]])

    w = {"wte": diagonal(1, stream), "wpe": diagonal(1, 0), "lm_head": diagonal(1), **layers_of(2, 1)}
    with_parts({"rmsnorm": lambda x: x, "attention": part, "relu": part}, lambda: gpt([0], w, 1))
    return found


def stream_sizes(embedding, attention_times, mlp_times, layers):
    """A stream of one channel before and after each layer, whose parts give so many times what they read."""
    w = {"wte": diagonal(1, embedding), "wpe": diagonal(1, 0), "lm_head": diagonal(1)}
    numbers = {"wq": 0, "wk": 0, "wo": attention_times, "fc2": mlp_times}
    streams = [gpt([0], w | layers_of(n, 1, **numbers), 1).data for n in range(layers, -1, -1)]
    return [round(stream[0][0], 3) for stream in reversed(streams)]


def layers_until(embedding, attention_times, mlp_times, goal):
    """After how many layers a stream of one channel is as large as a goal; 0 if it is not after twenty."""
    sizes = stream_sizes(embedding, attention_times, mlp_times, 20)
    return next((layers for layers, size in enumerate(sizes) if size >= goal), 0)


def mlp(x, first, second):
    """Two linear layers and a ReLU between them: one number in, one out."""
    return linear(relu(linear(Node([[x]]), Node([[a] for a in first]))), Node([second])).data[0][0]


def second_half(middle):
    """What ReLU and a second layer, all of whose weights are 1, make of the numbers in the middle."""
    return linear(relu(Node([middle])), Node([[1] * len(middle)])).data[0][0]


def drawn(first, second):
    """How the MLP's line runs on after 0, compared with how it came there from -1."""
    below, middle, above = (mlp(x, first, second) for x in (-1, 0, 1))
    bend = (above - middle) - (middle - below)
    return "straight on" if not bend else f"it bends {'upwards' if bend > 0 else 'downwards'}"


def logits_of(tokens, embeddings, lm_head):
    """The logits of a model that has no layers, no norm, and zeros for its places."""
    w = {"wte": Node(embeddings), "wpe": Node([[0] * len(embeddings[0]) for _ in tokens]), "lm_head": Node(lm_head)}
    return with_parts({"rmsnorm": lambda x: x}, lambda: gpt(tokens, w, 1).data)


def best_of(scores):
    """Which token has the highest score, the first of them; a single number is taken for the token's."""
    if len(scores) == 1:
        return scores[0]
    if GENERATED and scores.count(max(scores)) > 1:
        raise ValueError("two are the highest")
    return scores.index(max(scores))


def scores_touched(row, tokens, embeddings, lm_head):
    """How many numbers of gpt's change with the numbers in a row of lm_head."""
    changed = [[a + 1 for a in numbers] if i == row else numbers for i, numbers in enumerate(lm_head)]
    before, after = (in_a_row(logits_of(tokens, embeddings, w)) for w in (lm_head, changed))
    return sum(a != b for a, b in zip(before, after, strict=True))


def rows_of_text(text):
    """The rows of logits for a text's letters, in a model of two channels and one layer."""
    letters, places = [[i + 1.0, 9.0 - i] for i in range(26)], [[float(t), 1.0] for t in range(9)]
    w = {"wte": Node(letters), "wpe": Node(places), "lm_head": diagonal(2), **layers_of(1, 2)}
    return gpt([ord(letter) - ord("a") for letter in text], w, 1).data


def rows_kept(before, after):
    """At how many places the rows of logits are the same for two texts."""
    if GENERATED and before == after:
        raise ValueError("the same text twice")
    pairs = zip(rows_of_text(before), rows_of_text(after), strict=False)
    return sum(max(abs(x - y) for x, y in zip(r, s, strict=True)) < 1e-9 for r, s in pairs)


def rows_touched(text, place):
    """How many rows of logits change with the letter at a place."""
    return len(text) - rows_kept(text, f"{text[:place]}z{text[place + 1 :]}")


# ---- training, and beyond ----

SEEDS = (42, 1, 2, 3)  # a training that they change is left to chance


class Always:
    """A generator that draws the same number every time."""

    def __init__(self, number):
        self.number = number

    def gauss(self, mean, std):
        return self.number


def untrained_shares(std):
    """The shares that an untrained model of four tokens and 16 channels gives to what comes first."""
    weights = init_weights(random.Random(1), 4, std=std)
    return softmax(gpt([3], {name: Node(rows) for name, rows in weights.items()}, 4).data[-1])


def how_shared(std):
    """How an untrained model shares out what comes first, in words."""
    most = max(untrained_shares(std))
    if 0.45 < most < 0.9:
        if GENERATED:
            raise ValueError("neither even nor certain")
        return f"{most:.0%} to one"
    return "nearly all to one" if most > 0.9 else "roughly even" if most > 0.2501 else "exactly even"


def how_many_are_sure(stds):
    """How many untrained models give nearly all to one token."""
    return sum(max(untrained_shares(std)) > 0.9 for std in stds)


def first_loss(vocabulary):
    """The loss before any training, in units of ln 2, to the nearest whole number."""
    weights = init_weights(random.Random(0), vocabulary)
    tokens = [vocabulary - 1, *(i % (vocabulary - 1) for i in range(8)), vocabulary - 1]
    return round(loss_and_gradients(weights, tokens, 4)[0] / LN2)


def last_matrix_after(start, channels, text, steps):
    """The last matrix of a model whose weights all started at the same number, after some steps on a text."""
    chars = sorted(set(text))
    weights = init_weights(Always(start), len(chars) + 1, n_embd=channels)
    m, v = ({name: zeros(rows) for name, rows in weights.items()} for _ in range(2))
    for step in range(steps):
        _, grads = loss_and_gradients(weights, encode(text, chars), 1)
        for n in weights:
            weights[n], m[n], v[n] = adam(weights[n], grads[n], m[n], v[n], step + 1, 0.01)
    return weights["lm_head"]


def moved_after(start, channels, text, steps):
    """How many numbers of that matrix are no longer where they started."""
    rows = last_matrix_after(start, channels, text, steps)
    return sum(abs(number - start) > 1e-3 for row in rows for number in row)


def different_after(start, channels, text, steps):
    """How many different numbers stand in the first row of that matrix."""
    return len({round(number, 9) for number in last_matrix_after(start, channels, text, steps)[0]})


def averages_after(mean, mean_square, gradient):
    """Adam's two averages of one weight after one more gradient, the second one of its life."""
    _, m, v = adam([[0.0]], [[gradient]], [[mean]], [[mean_square]], 2, 0.01)
    return [m[0][0], v[0][0]]


def weight_on_its_way(gradients):
    """Where a weight stands after each of these gradients; it starts at 0."""
    w, m, v = [[0.0]], [[0.0]], [[0.0]]
    stands = [0.0]
    for step, gradient in enumerate(gradients, 1):
        w, m, v = adam(w, [[gradient]], m, v, step, 0.01)
        stands.append(w[0][0])
    return stands


def last_move(gradients):
    """Which way the weight moves at the last of these gradients."""
    *_, before, now = weight_on_its_way(gradients)
    return "it rises" if now > before + 1e-9 else "it falls" if now < before - 1e-9 else "it stays"


def goes_further(first, second):
    """Which of two weights, each with its own gradients, ends further from where it started."""
    a, b = (abs(weight_on_its_way(gradients)[-1]) for gradients in (first, second))
    return "both alike" if abs(a - b) < 1e-6 else "the first" if a > b else "the second"


def rates(steps, loss=3.3):
    """The learning rates of a training, in thousandths, one a step; nothing is learnt, and the loss stays as given."""
    seen = []

    def noting(w, g, m, v, step, lr):
        seen.append(lr * 1000)
        return w, m, v

    parts = {"adam": noting, "loss_and_gradients": lambda weights, *_: (loss, weights)}
    with_parts(parts, lambda: train(["a"], steps, report=lambda line: None))
    return seen[:: len(seen) // steps]


def higher_rate(short, long, done):
    """Which of two trainings has the higher learning rate after as many steps."""
    a, b = rates(short)[done], rates(long)[done]
    return "both alike" if abs(a - b) < 0.001 else "the short one" if a > b else "the long one"


def watched_training(losses, gradients, falls_by, steps):
    """What a training did, step by step: the documents read, the losses printed and the gradients that Adam got.

    The documents come in the order given; each has its loss and gradient, and its loss falls when it was learnt from.
    """
    watched, *others = (seeded_training(losses, gradients, falls_by, steps, seed) for seed in SEEDS)
    if any(read != watched[0] for read, _, _ in others):
        raise ValueError("chance decides which documents are read, so no answer is the right one")
    return watched


def seeded_training(losses, gradients, falls_by, steps, seed):
    """The same training with the random numbers of a seed, whatever they decide."""
    count, losses = len(losses), list(losses)
    places = list(range(count))
    random.Random(seed).shuffle(places)  # as `train` will, so that its order is ours
    docs = [chr(ord("a") + places.index(i)) for i in range(count)]
    read, printed, got = [], [], []

    def stand_in(weights, tokens, n_head):
        document = tokens[1]
        read.append(document)
        losses[document] -= falls_by
        if losses[document] < 0:
            raise ValueError("no loss is below zero")
        return losses[document] + falls_by, {name: [[gradients[document]]] for name in weights}

    def noting(w, g, m, v, step, lr):
        got.append(g[0][0])
        return w, m, v

    parts = {"adam": noting, "loss_and_gradients": stand_in}
    with_parts(parts, lambda: train(docs, steps, seed, report=lambda line: printed.append(float(line.split()[-1]))))
    return read, printed, got[:: len(got) // steps]


def read_next(documents, steps, done):
    """Which document a step learns from after so many others, in words."""
    if not 0 < done < steps:
        raise ValueError("no such step, or none before it")
    orders = [seeded_training([1.0] * documents, [0.0] * documents, 0, steps, seed)[0] for seed in SEEDS]
    if len(orders[0]) > steps:
        return "all of them"
    if any(order != orders[0] for order in orders):
        return "any, as chance has it"
    *before, now = orders[0][: done + 1]
    if now not in before:
        return "one not read yet"
    return "the one just read" if now == before[-1] else "the one read longest ago"


def times_read(documents, steps):
    """How many times each document was learnt from, the most often read first."""
    read, _, _ = watched_training([1.0] * documents, [0.0] * documents, 0, steps)
    return sorted((read.count(document) for document in range(documents)), reverse=True)


def gradients_got(gradients, steps):
    """The gradients of one weight that Adam gets, step by step, from documents with these gradients."""
    return watched_training([1.0] * len(gradients), gradients, 0, steps)[2]


def losses_printed(losses, falls_by, steps):
    """The losses that are printed, step by step."""
    return watched_training(losses, [0.0] * len(losses), falls_by, steps)[1]


def times_risen(losses, falls_by, steps):
    """How many times the printed loss is higher than the one before it."""
    printed = losses_printed(losses, falls_by, steps)
    return sum(printed[i] > printed[i - 1] for i in range(1, len(printed)))


def parameters_by_part(vocabulary, channels, layers, places):
    """How many weights belong to the tokens, to the places and to the layers."""
    return sizes_by_part(init_weights(Always(0.0), vocabulary, layers, channels, places))


def sizes_by_part(weights):
    """How many weights of a model belong to the tokens, to the places and to the layers."""
    sizes = {name: sum(map(len, rows)) for name, rows in weights.items()}
    tokens, where = sizes["wte"] + sizes["lm_head"], sizes["wpe"]
    return {"the tokens": tokens, "the places": where, "the layers": sum(sizes.values()) - tokens - where}


def count_parameters(vocabulary, channels, layers, places):
    """How many weights a model has."""
    return sum(parameters_by_part(vocabulary, channels, layers, places).values())


def layer_parameters(channels, places):
    """How many weights one layer has."""
    return parameters_by_part(1, channels, 1, places)["the layers"]


def most_parameters(vocabulary, channels, layers, places):
    """Which part has the most weights."""
    parts = parameters_by_part(vocabulary, channels, layers, places)
    return max(parts, key=parts.get)


def multiplications(x, weights):
    """How many times two numbers are multiplied when rows go through a linear layer."""
    done = []

    def counting(a, b):
        done.append(a)
        return a * b

    with_parts({"mul": counting}, lambda: dots(x, weights))
    return len(done)


class TwoDigits(float):
    """A number on a machine that keeps two digits of every sum."""

    def __mul__(self, other):
        return TwoDigits(float(self) * float(other))

    def __add__(self, other):
        total = round(float(self) + float(other), 6)
        if GENERATED and f"{total:.6e}"[3:8] == "50000":
            raise ValueError("half way between two numbers")
        return TwoDigits(f"{total:.1e}")

    __radd__ = __add__


def added_up(numbers):
    """Some numbers, each times 1, added up by `dots` on that machine."""
    return round(float(dots([[TwoDigits(number) for number in numbers]], [[1.0] * len(numbers)])[0][0]), 6)


# ---- the learner's own text: each result is lines that can be read without the helper's code ----

NAMES = 29910  # how many the model of names learns from: the order they are shuffled into decides on its first weights


def letters(text, most=15):
    """What the model of names reads of a text: its letters from a to z, as small ones, as many as have a place."""
    read = [char for char in text.lower() if char in ALPHABET]
    if not read:
        raise ValueError("it has no letter from a to z")
    return "".join(read[:most])


def changed_to_letters(text, most=15):
    """What `letters` did to a text, in a line; no line where it did nothing."""
    small = text.lower()
    others = [visible(char) for char in dict.fromkeys(small) if char not in ALPHABET]
    done = ["capitals made small"] if small != text else []
    done += [f"without {' '.join(others[:5])}{' and more' if others[5:] else ''}"] if others else []
    done += [f"only the first {most} letters"] if letters(text, most) != letters(text, len(text)) else []
    return [f"read as {letters(text, most)}: {', '.join(done)}"] if done else []


def visible(text):
    """A text in which spaces can be seen."""
    return "".join("␣" if char.isspace() else char for char in text)


def numbered(tokens, chars):
    """Tokens, each after what it stands for."""
    return " ".join(f"{visible(chars[token]) if token < len(chars) else 'BOS'}={token}" for token in tokens)


def number_of_each(text):
    """The number of each character in a model that was made for this text."""
    chars = characters_of(text)
    known, own = range(len(chars)), numbers_of(text, text)
    return [f"all characters, sorted: {numbered(known, chars)}", f"the text: {numbered(own, chars)}"]


def encoded_with_bos(text):
    """What encode makes of a text in a model that was made for it."""
    chars = characters_of(text)
    known, own = range(tokens_known(text)), encode(text, chars)
    return [f"all tokens: {numbered(known, chars)}", f"encoded: {numbered(own, chars)}"]


def tokens_of_a_step(text):
    """How many tokens of a text `train` hands on to learn from, BOS counted."""
    taken = []

    def noting(weights, tokens, n_head):
        taken.extend(tokens)
        return 0.0, {name: zeros(rows) for name, rows in weights.items()}

    with_parts({"loss_and_gradients": noting}, lambda: train([text], 1, report=lambda _: None))
    return len(taken)


def asked_about(text):
    """What training asks about a text: after which characters which one comes."""
    tokens = ["BOS", *visible(text), "BOS"]
    asked, places = sorted(asked_in_training(text).items()), tokens_of_a_step(text) - 1
    cut = [f"{places} of {len(asked)} predictions: the context is full, the rest is cut off"] if asked[places:] else []
    return cut + [
        f"after {' '.join(['BOS', visible(text[:place])]).strip()}: {tokens[to]}" for place, to in asked[:places]
    ]


def surprise_when_untrained(text):
    """How unlikely the untrained model of names finds each letter of a text, in nats, and their mean."""
    weights, chars, _ = train([ALPHABET] * NAMES, 0)  # shuffled as the names are, so that the weights are theirs
    name = letters(text)
    *read, _ = tokens = encode(name, chars)
    rows, came = gpt(read, {part: Node(rows) for part, rows in weights.items()}, 4).data, tokens[1:]
    losses = [cross_entropy(Node([row]), [token]).data[0][0] for row, token in zip(rows, came, strict=True)]
    places = [f"{token}: {loss:.2f} nats" for token, loss in zip([*name, "BOS"], losses, strict=True)]
    return [*changed_to_letters(text), *places, f"their mean, the loss: {sum(losses) / len(losses):.2f} nats"]


def row_of_each(text):
    """Which row of its table embed gives for each token of a text."""
    name, numbered_rows = letters(text), [[row] for row in range(27)]
    rows = looked_up(numbered_rows, encode(name, ALPHABET))
    told = [f"{token}: row {row}" for token, (row,) in zip(["BOS", *name, "BOS"], rows, strict=True)]
    return [*changed_to_letters(text), *told]


def rows_of_wte_that_learn(text):
    """Which rows of wte get a gradient from a text."""
    rows, count = rows_with_gradient(letters(text))
    return [
        *changed_to_letters(text),
        f"rows with a gradient: {numbered(rows, ALPHABET)}",
        f"rows whose gradient is zero: the other {count - len(rows)} of {count}",
    ]


def seen_by_each(text):
    """To which characters each character of a text can give a share; of a long text, of those that have a place."""
    weights, _, _ = train([text], 0)
    read = visible(text[: len(weights["wpe"])])
    shares = causal_softmax(Node([[0.0] * len(read) for _ in read])).data
    cut = [f"only the first {len(read)} characters have a place"] if read != visible(text) else []
    return cut + [
        f"{char} sees {' '.join(seen for seen, share in zip(read, row, strict=True) if share)}"
        for char, row in zip(read, shares, strict=True)
    ]


def changed_by_each(text):
    """How many rows of logits change with each letter of a text, of which a small model has room for nine."""
    name = letters(text, 9)
    others = [f"{name[:place]}{'a' if char == 'z' else 'z'}{name[place + 1 :]}" for place, char in enumerate(name)]
    return changed_to_letters(text, 9) + [
        f"another letter for {char}: {len(name) - rows_kept(name, other)} of {len(name)} rows change"
        for char, other in zip(name, others, strict=True)
    ]


def runs_that_write(text):
    """What the model reads in each of its runs while a text is drawn letter by letter, and what is drawn."""
    name = letters(text)
    weights, _, _ = train([ALPHABET], 0)
    runs = enumerate(read_in_each_run(f"{name}.", len(weights["wpe"])))
    return changed_to_letters(text) + [
        f"read {' '.join(['BOS', name[: tokens - 1]]).strip()}, drew {[*name, 'BOS'][run]}" for run, tokens in runs
    ]


def weights_of_a_model_for(text):
    """How many weights a model has that was made for a text, part by part."""
    weights, chars, _ = train([text], 0)
    parts = sizes_by_part(weights)
    known = f"known: {' '.join(map(visible, chars))} and BOS, {tokens_known(text)} tokens"
    return [known, *(f"{part}: {size:,} weights" for part, size in parts.items()), f"in all: {sum(parts.values()):,}"]
