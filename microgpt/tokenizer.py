"""Text to token ids and back: every character is a token, and one more, BOS, stands before and after a document.

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
        return cls(chars="".join(sorted({char for text in documents for char in text})))

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

    def encode(self, text: str) -> list[int]:
        """Return the ids of a whole document, BOS at both ends.

        Raises:
            ConfigError: if the training data had no such character; the model has no numbers for it.
        """
        for char in text:
            if char not in self._id_of:
                known = repr(self.chars[:60])[1:-1] + ("..." if len(self.chars) > 60 else "")
                raise ConfigError(
                    f"the character {char!r} is not in the data that the model was trained on. Try only these: {known}"
                )
        return [self.bos, *(self._id_of[char] for char in text), self.bos]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the characters of the ids; BOS stands for none."""
        return "".join(self.chars[token] for token in tokens if token != self.bos)
