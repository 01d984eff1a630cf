"""What a model costs: its prices, what a sitting has come to, and the cap that is never passed.

The prices are the only place where a model is named. They are dollars for a million tokens, as published on the day
that `PRICED` says, without discounts; an unknown model has an unknown cost.

>>> Meter("claude-sonnet-5-5", most=1.0).told()
'0.0000 dollars of at most 1 (claude-sonnet-5-5, prices of 2026-11-25)'
"""

from dataclasses import dataclass

from microgpt.errors import ConfigError, MicroGPTError

PRICED = "2026-11-25"
CLAUDE = "claude-sonnet-5-5"  # taken where none is named
OVERHEAD = 1000  # tokens that a server adds to a request, such as its own words about tools


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars for a million tokens: read afresh, written to a cache, read from it, and answered.

    Args:
        effort: whether the model takes a word on how long to think.
    """

    fresh: float
    written: float
    cached: float
    out: float
    effort: bool = False


# From https://platform.claude.com/docs/en/about-claude/pricing and https://developers.openai.com/api/docs/pricing, for
# five-minute caches, and for prompts short enough for the lower of two tariffs, as all of ours are.
PRICES = {
    "claude-fable-5-1": Price(fresh=10, written=12.5, cached=0.25, out=50, effort=True),
    "claude-opus-5-5": Price(fresh=4, written=5, cached=0.2, out=20, effort=True),
    "claude-sonnet-5-5": Price(fresh=2, written=2.5, cached=0.1, out=10, effort=True),
    "claude-haiku-5-5": Price(fresh=0.1, written=0.125, cached=0.01, out=0.5, effort=True),
    "claude-haiku-4-5": Price(fresh=1, written=1.25, cached=0.1, out=5),
    "gpt-6-sol": Price(fresh=2, written=2.5, cached=0.2, out=10),
    "gpt-6.1-terra": Price(fresh=1, written=1.25, cached=0.05, out=5),
    "gpt-6-luna": Price(fresh=0.1, written=0.125, cached=0.01, out=0.5),
}


class OverBudget(MicroGPTError):  # noqa: N818  (it reads as what it is)
    """The next request could cost more than is left of what the learner is willing to pay."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The tokens of one request, as its server counted them."""

    fresh: int = 0
    written: int = 0
    cached: int = 0
    out: int = 0


class Meter:
    """Counts what the requests of one sitting cost, and refuses the one that could pass the cap.

    Args:
        model: whose prices count.
        most: dollars; None for no cap.

    Raises:
        ConfigError: a cap on a model whose price is not known could not be kept.
    """

    def __init__(self, model: str, most: float | None = None) -> None:
        self.model, self._most = model, most
        self.price = PRICES.get(model)
        self.tokens = 0
        self._counted = 0.0  # dollars of the requests that came to an end
        self._reserved = 0.0  # dollars that the last request costs at worst, until its end is known
        if most is not None and self.price is None:
            raise ConfigError(f"no price of {model!r} is known here, so --max-cost cannot be kept. Try: leave it out.")

    @property
    def spent(self) -> float:
        """Dollars so far; a request whose end is not known counts as the worst that it can cost."""
        return self._counted + self._reserved

    def before(self, request: bytes, most_out: int) -> None:
        """Reserve the worst that a request can cost, before it is sent.

        No token is shorter than a byte, so a request has no more tokens than bytes; all of them could be new to the
        cache, and the answer as long as it may be. The one before, if nobody has told its end, was paid at its worst.

        Raises:
            OverBudget: that would be more than is left.
        """
        if self.price is None:
            return
        self._counted, self._reserved = self.spent, 0.0
        dearest = max(self.price.fresh, self.price.written)
        worst = ((len(request) + OVERHEAD) * dearest + most_out * self.price.out) / 1e6
        if self._most is not None and not self.spent + worst <= self._most:  # written so that no NaN passes
            raise OverBudget(f"another request could pass --max-cost {self._most:g} (spent: {self.spent:.4f})")
        self._reserved = worst

    def after(self, usage: Usage | None) -> None:
        """Count a request as its server did; where it did not, or in numbers that are no counts, the worst stands."""
        if usage is None or not all(_is_count(n) for n in (usage.fresh, usage.written, usage.cached, usage.out)):
            return
        if self.price is not None:
            read = usage.fresh * self.price.fresh + usage.written * self.price.written
            self._counted += (read + usage.cached * self.price.cached + usage.out * self.price.out) / 1e6
        self.tokens += usage.fresh + usage.written + usage.cached + usage.out
        self._reserved = 0.0

    def refused(self) -> None:
        """Count nothing for a request that its server turned down, or never got."""
        self._reserved = 0.0

    def told(self) -> str:
        """Return what was spent, in words."""
        if self.price is None:
            counted = f"; {self.tokens} tokens" if self.tokens else ""  # not every server counts them
            return f"cost unknown: no price of {self.model} is known here{counted}"
        cap = "" if self._most is None else f" of at most {self._most:g}"
        return f"{self.spent:.4f} dollars{cap} ({self.model}, prices of {PRICED})"


def _is_count(tokens: object) -> bool:
    """Whether what a server sent can be a count; a negative one would lift the cap."""
    return isinstance(tokens, int) and tokens >= 0
