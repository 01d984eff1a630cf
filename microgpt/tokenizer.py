"""Text to token ids and back: every character is a token, and one more, BOS, stands before and after a document.

A stream, one continuous text, has no BOS; the model has it all the same, so that its shape tells nothing of that.

>>> CharTokenizer.of(["ab", "ba"]).encode("ab")
[2, 0, 1, 2]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from microgpt.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class CharTokenizer:
    """The alphabet of the training data; a character's place in it is its token id.

    Args:
        chars: every character once, sorted.
    """

    chars: str

    @classmethod
    def of(cls, documents: Iterable[str]) -> "CharTokenizer":
        """Return the tokenizer of all characters that occur in the documents."""
        return cls(chars="".join(sorted(set[str]().union(*documents))))

    @property
    def bos(self) -> int:
        """The id of the token before the first character and after the last."""
        return len(self.chars)

    @property
    def vocab_size(self) -> int:
        """V: the characters and BOS."""
        return len(self.chars) + 1

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return {char: i for i, char in enumerate(self.chars)}

    def ids(self, text: str) -> list[int]:
        """Return the ids of the characters alone, as in the midst of a text.

        Raises:
            ConfigError: if the training data had no such character; the model has no numbers for it.
        """
        try:
            return [self._id_of[char] for char in text]
        except KeyError as error:
            [char] = error.args
            shown = (known if known.isprintable() else repr(known)[1:-1] for known in self.chars[:60])
            known = "".join(shown) + ("..." if len(self.chars) > 60 else "")
            raise ConfigError(
                f"the character {char!r} is not in the data that the model was trained on. Try only these: {known}"
            ) from None

    def encode(self, text: str) -> list[int]:
        """Return the ids of a whole document, BOS at both ends.

        Raises:
            ConfigError: as `ids`.
        """
        return [self.bos, *self.ids(text), self.bos]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the characters of the ids; BOS stands for none."""
        return "".join(self.chars[token] for token in tokens if token != self.bos)
