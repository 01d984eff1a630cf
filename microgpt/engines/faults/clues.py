"""What the first wrong tensor says about a fault that is not known: what is right before it, and what to look at."""

_FORWARD = {
    "first-row": "Row 0 is wrong already, where attention has but itself to look at. Look at the embeddings, at the "
    "norms, at wv and wo, at the MLP and the head.",
    "later-row": "Position by position all is right, and wrong where positions meet. Look at attention: the scores, "
    "the mask, the shares, the values that they mix.",
    "loss": "The logits are right. Look at the loss alone: minus the logarithm of the share of the next token, in "
    "nats, averaged over the T predictions.",
}
_GRADIENTS = {
    "lm_head": "It is the first on the way back. Look at the gradient of the logits, (share - 1 at the target) / T, "
    "and at how a matrix gets its own: for every position, output gradient times input, added up.",
    "fc2": "What comes after it is right. Look at how a gradient goes through a matrix to its input; with an autograd, "
    "whether a node waits for all that were computed from it, and adds where paths meet.",
    "fc1": "fc2 is right. Look at ReLU: it passes a gradient where its input was positive, and 0 elsewhere.",
    "wo": "The MLP is right. Look at the way back of its RMSNorm, and at the residual connection around it, which "
    "passes the gradient on whole as well.",
    "wv": "wo is right. Look at the way back of mixing: value s gets from every position t >= s the share t gave it; "
    "and at the order of the heads.",
    "wk": "wv is right. Look at the way back of the scores to the keys: key s gets from every position t >= s, divided "
    "by the root of D; and at softmax, p * (g - sum(p * g)).",
    "wq": "wk is right. Look at the way back of the scores to the queries: the keys up to t, divided by the root of D.",
    "wpe": "The layers are right. Look at the way back of the first RMSNorm, at the residual connection around "
    "attention, and whether q, k and v all send theirs to the norm before them.",
    "wte": "wpe is right. Look at the looking up: a token that comes again gets a gradient from every place.",
}
_NOT_A_NUMBER = (
    "It is no number: something overflowed, or was divided by 0. Look at exp in a softmax whose maximum is not taken "
    "off, at a row in which all is masked, and at a division by a square or a count that can be 0."
)
_ADAM = (
    "The gradients that it steps against are given. Look at the averages, mean = 0.85 mean + 0.15 g and "
    "square = 0.99 square + 0.01 g g, at their correction by the step, and at lr mean / (sqrt(square) + 1e-8)."
)


def clue(stage: str, tensor: str, *, first_row: int, is_number: bool) -> str:
    """Return what the first wrong tensor says.

    Args:
        stage: "forward", "gradients" or "weights".
        first_row: its first row that is wrong.
        is_number: whether what came is one.
    """
    if not is_number:
        return _NOT_A_NUMBER
    if stage == "weights":
        return _ADAM
    if stage == "gradients":
        return _GRADIENTS[tensor.split(".")[-1]]
    return _FORWARD["loss" if tensor == "loss" else "later-row" if first_row else "first-row"]
