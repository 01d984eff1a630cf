"""The first minute: the learner's own name, as a model meets it before and after its first training.

Everything shown is computed here and now with the 200 lines that the course teaches; nothing of it is stored.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from string import ascii_lowercase

from microgpt.data import load_dataset
from microgpt.reference import Weights, encode, loss_and_gradients, sample, train
from microgpt.terminal import Terminal
from microgpt.tutor.voices import Lines, Paragraph

EXAMPLE = "ada"
HEADS = 4  # of the reference's model
MOST_LETTERS = 15  # it looks at 16 tokens at once, and one of them is BOS
STEPS = 300  # about two seconds of training
WRITTEN = 3
CELL = 5  # columns of a token in the table


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model, and where its random numbers stand."""

    weights: Weights
    chars: list[str]
    rng: random.Random

    def surprise(self, letters: str) -> float:
        """Return how unlikely it finds a name, in nats for each letter and the end."""
        return loss_and_gradients(self.weights, encode(letters, self.chars), HEADS)[0]

    def write(self) -> str:
        """Return the next name that it writes and that is not empty."""
        while not (text := sample(self.weights, self.chars, self.rng, n_head=HEADS)):
            pass
        return text


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """How unlikely a model finds a name before and after `STEPS` steps, in nats a letter."""

    letters: str
    before: float
    after: float


class Skipped(Exception):  # noqa: N818  # nothing went wrong
    """The learner pressed a key: the training has been watched for long enough."""


def show_name(name: str, terminal: Terminal) -> Surprise | None:
    """Show a name as tokens, an untrained model's surprise at it, and what two seconds of training change.

    Returns:
        both surprises; None if the training was skipped.
    """
    letters = _show_tokens(name, terminal)
    untrained = train_model(0, report=lambda line: None).surprise(letters)
    _say(
        terminal,
        f"An untrained model finds it as unlikely as any noise: {untrained:.2f} nats a letter, the end counted as one. "
        f"Guessing evenly among {_vocabulary()} tokens would be ln {_vocabulary()} = {log(_vocabulary()):.2f}.",
        f"Now it reads {STEPS} names and learns from each. Any key skips this." if terminal.live else "",
    )
    try:
        model = watch_training(terminal)
    except Skipped:
        _say(terminal, "Skipped.")
        return None
    surprise = Surprise(letters=letters, before=untrained, after=model.surprise(letters))
    higher = " Higher: few of them look like this one." if surprise.after > surprise.before else ""
    _say(terminal, f"After reading {STEPS} names: {told(surprise)}{higher}")
    names = set(load_dataset().documents)
    written = (model.write() for _ in range(WRITTEN))
    _say(
        terminal,
        "It writes now: "
        + ", ".join(f"{text} ({'in the list it learns from' if text in names else 'new'})" for text in written)
        + ". Soon you will know how, to the last line.",
    )
    return surprise


def watch_training(terminal: Terminal) -> Model:
    """Train for real, with one live line.

    Raises:
        Skipped: a key was pressed.
    """
    with terminal.any_key() as pressed:

        def report(line: str) -> None:
            terminal.redraw(line)
            if pressed():
                raise Skipped

        try:
            return train_model(STEPS, report=report)
        finally:
            terminal.wipe()


def measure(name: str, terminal: Terminal) -> Surprise | None:
    """Do the first minute's training over, for those who began on another day."""
    letters = letters_of(name) or EXAMPLE
    try:
        after = watch_training(terminal).surprise(letters)
    except Skipped:
        return None
    return Surprise(letters=letters, before=train_model(0, report=lambda line: None).surprise(letters), after=after)


def told(surprise: Surprise) -> str:
    """Return the change as a sentence."""
    return f"{surprise.before:.2f} -> {surprise.after:.2f} nats a letter for {surprise.letters!r}."


def train_model(steps: int, *, report: Callable[[str], None]) -> Model:
    """Train the reference on the bundled names; the same seed each time, so the same model."""
    weights, chars, rng = train(list(load_dataset().documents), steps, report=report)
    return Model(weights=weights, chars=chars, rng=rng)


def letters_of(name: str) -> str:
    """Return what the model can read of a name.

    >>> letters_of("Zoë-Marie")
    'zomarie'
    """
    return "".join(char for char in name.lower() if char in ascii_lowercase)[:MOST_LETTERS]


def token_table(letters: str, width: int) -> tuple[str, ...]:
    """Return the characters over their tokens, in as many rows as the width (columns) needs.

    >>> print(*token_table("ada", 80), sep="\\n")
        ^    a    d    a    $
       26    0    3    0   26
    """
    shown = f"^{letters}$"
    tokens = encode(letters, ascii_lowercase)
    rows: list[str] = []
    per_row = (width - 8) // CELL
    for start in range(0, len(tokens), per_row):
        rows.append("".join(f"{char:>{CELL}}" for char in shown[start : start + per_row]))
        rows.append("".join(f"{token:>{CELL}}" for token in tokens[start : start + per_row]))
    return tuple(rows)


def _show_tokens(name: str, terminal: Terminal) -> str:
    """Show the tokens of a name and return its letters."""
    letters = letters_of(name)
    unread = [char for char in name.lower() if char not in ascii_lowercase and not char.isspace()]
    if not letters:
        given = "None of its characters is a letter from a to z" if name else "No name"
        _say(terminal, f"{given}, so take an example: {EXAMPLE}.")
        letters = EXAMPLE
    elif unread:
        _say(terminal, f"This model knows the letters a to z. It leaves out: {' '.join(dict.fromkeys(unread))}")
    if len(name) - len(unread) - name.count(" ") > MOST_LETTERS:
        _say(terminal, f"It looks at {MOST_LETTERS} letters at once, and leaves out the rest.")
    _say(terminal, "A model sees no letters, only numbers. This is how these small letters arrive:")
    terminal.show((Lines(lines=token_table(letters, terminal.width)),))
    _say(terminal, "^ and $ are the same token: BOS, which stands before and after every name.")
    return letters


def _vocabulary() -> int:
    return len(ascii_lowercase) + 1  # and BOS


def _say(terminal: Terminal, *texts: str) -> None:
    terminal.show(tuple(Paragraph(text=text) for text in texts if text))
