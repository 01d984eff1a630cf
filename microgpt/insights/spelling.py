"""Numbers as people write them, in words and with signs of their keyboard, turned into digits. Standard library only.

>>> spelt("One half"), spelt("minus 3"), spelt("–0.5")
('1/2', '-3', '-0.5')
"""

import re

HEDGE = re.compile(  # says nothing about the answer, though there is a "not" in it
    r"\b(?:i'?m )?not (?:quite |so |really )?(?:sure|certain)\b|\b(?:i )?(?:don'?t|do not) (?:really )?know\b"
)
_COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {word: number for number, word in enumerate(_COUNTS)}
_NTHS = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ALONE = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}  # "the third" alone is a place
_PARTS = _ALONE | {nth + s: n for n, nth in enumerate(_NTHS, 3) for s in ("", "s")}
_GLYPHS = {
    "½": " 1/2",
    "¼": " 1/4",
    "¾": " 3/4",
    "⅓": " 1/3",
    "⅔": " 2/3",
    "−": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u00a0": " ",
    "\u202f": " ",
}


def spelt(text: str) -> str:
    """Return the words with number words and glyphs as digits: ``one half`` -> ``1/2``, ``minus 3`` -> ``-3``."""
    text = text.lower()
    for glyph, plain in _GLYPHS.items():
        text = text.replace(glyph, plain)
    text = HEDGE.sub(" ", text)
    counts, parts, alone = ("|".join(words) for words in (["a", "an", *_WORDS], _PARTS, _ALONE))
    text = re.sub(
        rf"\b(?:({counts}|\d+)[\s-]+({parts})|({alone}))\b",
        lambda m: f"{_WORDS.get(m[1], m[1] if (m[1] or '').isdecimal() else 1)}/{_PARTS[m[2] or m[3]]}",
        text,
    )
    text = re.sub(rf"\b({'|'.join(_WORDS)})\b", lambda m: str(_WORDS[m[1]]), text)
    text = re.sub(r"\b(?:minus|neg|negative)\s+(?=[\d.])", "-", text)
    return re.sub(r"(\d)\s*(?:x|×|\*|·)\s*10\s*(?:\^|\*\*)\s*\(?([-+]?\d+)\)?", r"\1e\2", text)
