"""How people write numbers, and what they say around an answer. Standard library only.

Numbers in words and with signs of their keyboard are turned into digits. Around an answer only words of a list are
passed over, in a few languages: any other may negate it ("nicht 10") or compare ("más de 10"), and nobody can list
those of every language.

>>> spelt("One half"), spelt("minus 3"), spelt("–0.5")
('1/2', '-3', '-0.5')
>>> says_no_more("ich denke, das ist"), says_no_more("das ist nicht")
(True, False)
"""

import re
from collections.abc import Sequence

HEDGE = re.compile(  # says nothing about the answer, though there is a "not" in it
    r"\b(?:i'?m )?not (?:quite |so |really )?(?:sure|certain)\b|\b(?:i )?(?:don'?t|do not) (?:really )?know\b",
    re.IGNORECASE,
)
_COUNTS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_WORDS = {word: number for number, word in enumerate(_COUNTS.split())}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_NTHS = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ALONE = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}  # "the third" alone is a place
_PARTS = _ALONE | {nth + s: n for n, nth in enumerate(_NTHS, 3) for s in ("", "s")}
_GLYPHS = {
    "½": "1/2 ",
    "¼": "1/4 ",
    "¾": "3/4 ",
    "⅓": "1/3 ",
    "⅔": "2/3 ",
    "−": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u00a0": " ",
    "\u202f": " ",
}


def spelt(text: str) -> str:
    """Return the words with number words and glyphs as digits: ``one half`` -> ``1/2``, ``minus 3`` -> ``-3``."""
    text = re.sub(r"(?<=\d)(?=[½¼¾⅓⅔])", " ", text.lower())
    for glyph, plain in _GLYPHS.items():
        text = text.replace(glyph, plain)
    text = HEDGE.sub(" ", text)
    tens, ones = "|".join(_TENS), "|".join(_COUNTS.split()[1:10])
    text = re.sub(rf"\b({tens})[ -]({ones})\b", lambda m: str(_TENS[m[1]] + _WORDS[m[2]]), text)
    counts, parts, alone = ("|".join(words) for words in (["a", "an", *_WORDS], _PARTS, _ALONE))
    text = re.sub(
        rf"\b(?:({counts}|\d+)[\s-]+({parts})|({alone}))\b",
        lambda m: f"{_WORDS.get(m[1], m[1] if (m[1] or '').isdecimal() else 1)}/{_PARTS[m[2] or m[3]]}",
        text,
    )
    whole = _WORDS | _TENS
    text = re.sub(rf"\b({'|'.join(whole)})\b", lambda m: str(whole[m[1]]), text)
    text = re.sub(r"\b(?:minus|neg|negative)\s+(?=[\d.])", "-", text)
    return re.sub(r"(\d)\s*(?:x|×|\*|·)\s*10\s*(?:\^|\*\*)\s*\(?([-+]?\d+)\)?", r"\1e\2", text)


_PLAIN = """
    answer result value number letter token character char word name text option choice
    letters tokens characters chars words names numbers values answers documents document steps step line lines row rows
    column columns entry entries nats nat bits bit digits digit parameters parameter params param weights weight
    gradient gradients grad logit logits loss losses score scores share shares probability mean average total output
    input position positions index id ids channel channels unit units model training list vector matrix
    lr rate softmax relu rmsnorm adam wte wpe mlp attention embedding vocab size logprob entropy accuracy error
    i'd i'll i'm it it's its that that's thats this is are was be it'll it'd that'd goes they they're there
    there's he she we you has
    have the my an then and think guess believe suppose reckon say would should will must can could go with get got gets
    give gives makes make come comes becomes stays write writes produces predicts equals equal so well ok okay oh ah hm
    hmm uh uhm er erm yes yeah sure surely certain certainly maybe perhaps probably likely obviously clearly simply just
    exactly precisely definitely roughly about around approximately approx circa therefore hence thus final first last
    next new second positive in at for to both again still please sorry thanks here now rounded
    right but guessing said meant let's let lets stay remain remains only long order choose pick take going lowercase
    uppercase
    ich denke glaube meine vermute schätze würde sagen tippe auf bin mir sicher es das der die den dem ist sind wäre
    wird lautet ergibt also dann und ja vielleicht wahrscheinlich wohl genau gleich antwort ergebnis zahl wert buchstabe
    zeichen wort buchstaben bleibt
    je pense crois suppose dirais que c'est ça est sont serait la le les réponse résultat donne donc alors oui et
    peut être égal égale à lettre lettres mot valeur sera nombre
    creo pienso supongo diría es son sería el los las respuesta resultado entonces pues sí igual quizá quizás letra
    letras serían palabra valor número
    penso credo direi che sia è sono sarebbe il risposta risultato allora quindi forse sì uguale lettera parola valore
    numero
    acho é diria são seria resposta então talvez sim
    ik denk geloof dat het zou zeggen dus misschien antwoord uitkomst getal waarde teken woord
"""
_PLAIN_WORDS = frozenset(_PLAIN.split())  # none of them means "not", "or", "more" or "less" in another language
_I_THINK = r"i\s+(?:(?:would|also|really|just)\s+)?(?:think|guess|believe|suppose|reckon|say)(?![\w'])"
_WORD = re.compile(r"\w+(?:'\w+)*")
_FIRST = re.compile(rf"{_I_THINK}|\w+(?:'\w+)*", re.IGNORECASE)
_LAST = re.compile(rf"(?<![\w'])(?:{_I_THINK}|\w+(?:'\w+)*)$", re.IGNORECASE)
_PASSED = re.compile(  # a variable's name: "w0", "x is", "loss_1 ="; and what is only harmless as a whole
    r"\b(?:[a-z]_?\d+\b|[a-z](?=\s*(?:is\b|=|:))|[a-z]\w*[_\d]\w*(?=\s*=)"
    r"|(?:number|total|value|loss|gradient|score|weight) of\b|(?:nats?|bits?) per (?:token|character|letter|step)\b"
    r"|(?<=#  )times(?=\s*(?:[.,;!?]|$)))"  # how often, with nothing behind it that is multiplied
)
REASON = re.compile(
    r"(?<=[\s,;.])(?:because|since|as\s+(?:it|in|the|that|this)|weil|denn|parce\s+que|car|porque|perché|omdat|want)\s.*",
    re.DOTALL | re.IGNORECASE,
)
_NEGATION = r"\b(?:not|neither|nor|never|nicht|kein\w*|pas|jamais|nunca|non|não|niet|geen)\b|n't\b"
_CONTRARY = re.compile(rf"{_NEGATION}|\b(?:or|no|wait|actually|rather|instead|oder|ou)\b", re.IGNORECASE)
_A_NOUN = re.compile(r"an?\s+(?:letter|token|character|char|word|name|text)[\s.!?]*", re.IGNORECASE)  # names none
_MEANS_NO_LETTER = re.compile(rf"{_I_THINK}|{_A_NOUN.pattern}$", re.IGNORECASE)
_QUOTED = re.compile(r"(?<!\w)[\"“„«'`]([^\"“”„«»`]+?)[\"”“»'`](?!\w)")
_ASKING = frozenset(["what", "why", "how", "which", "who", "where", "when", "huh"])


def says_no_more(text: str) -> bool:
    """Whether the words around an answer, lower case, leave its meaning as it is."""
    return all(word in _PLAIN_WORDS or word in ("a", "i", "y") for word in _WORD.findall(_PASSED.sub(" ", text)))


def without_reason(text: str) -> str:
    """Return what stands before a reason: ``10, because it grows`` -> ``10``; one with a number in it is kept."""
    match = REASON.search(text)
    return text if not match or re.search(r"\d", match[0]) else text[: match.start()]


def without_lead_in(text: str) -> str:
    """Return the words without those before an answer: ``I think the letter b`` -> ``b``."""
    rest = text.lstrip(" \t\n,")
    while (match := _FIRST.match(rest)) and _is_plain(match[0]):
        rest = rest[match.end() :].lstrip(" \t\n,:=")
    return rest


def text_in(text: str, known: Sequence[str]) -> str | None:
    """Return the text that somebody gives as the answer; one that is known, as it stands there.

    Args:
        known: texts that are answers, right or wrong. Where each of them is a word, several words are no answer.
    """
    unhedged = HEDGE.sub(" ", text)
    for said in (text, unhedged):
        answer = _known_in(folded(said), known)
        if answer is not None:
            return answer
    quoted = list(_QUOTED.finditer(unhedged))
    said = _quoted_alone(unhedged, quoted[0]) if len(quoted) == 1 else _unquoted(unhedged)
    words = all(len(_WORD.findall(text)) < 2 for text in known)
    head, _, tail = said.partition(",")
    if words and len(head.split()) == 1 and _only_explains(tail, known):
        return head.strip()
    several = max(len(said.split()), len(_WORD.findall(said))) > 1
    return None if several and (_CONTRARY.search(said) or (known and words)) else said or None


def _quoted_alone(text: str, quoted: re.Match[str]) -> str:
    """Return what stands in quotation marks; nothing where the words around it may change what they mean."""
    around = f"{text[: quoted.start()]} , {REASON.sub('', text[quoted.end() :])}".lower()
    return quoted[1].strip() if says_no_more(around) else ""


def _unquoted(text: str) -> str:
    """Return the words without those around an answer; nothing where there are only those."""
    said = without_lead_in(REASON.sub("", text))
    said = said.strip().rstrip(".!?").strip() if _A_NOUN.fullmatch(said) else _without_ending(said)
    spoken = _WORD.findall(said.lower())
    nothing = spoken and all(word in _ASKING or (len(word) > 1 and word in _PLAIN_WORDS) for word in spoken)
    return "" if nothing else said


def _known_in(said: str, known: Sequence[str]) -> str | None:
    """Return the longest known text that somebody says, with nothing but words around it that say no more."""
    texts = sorted(((folded(text.replace("’", "'")), text) for text in known), key=lambda pair: -len(pair[0]))
    for short, text in texts:
        if short and short == said:
            return text
    for short, text in texts:
        for match in re.finditer(rf"(?<!\w)(?<!\w'){re.escape(short)}(?!'?\w)", said) if short else ():
            if _MEANS_NO_LETTER.match(said, match.start()) or not _passes(said[: match.start()]):
                continue
            if _passes(REASON.sub("", said[match.end() :])):
                return text
    return None


def _passes(around: str) -> bool:
    around = re.sub(rf"(?<![\w']){_I_THINK}", " ", around)
    if re.search(r"[^\w\s,.:;=!?'\"`()\[\]<>*–—-]", around):
        return False
    return all(word in _PLAIN_WORDS for word in _WORD.findall(around))


def _only_explains(tail: str, known: Sequence[str]) -> bool:
    """Whether what follows a word and a comma is a sentence about it, and no other answer."""
    words = folded(tail).split()
    others = {folded(text) for text in known}
    return len(words) > 1 and not _CONTRARY.search(tail) and not others & {word.strip(".,!?'\"") for word in words}


def _without_ending(text: str) -> str:
    """Return the words without those after an answer: ``r is next, I think.`` -> ``r``."""
    rest = text.rstrip(" \t\n,.!?")
    while (match := _LAST.search(rest)) and match.start() and _is_plain(match[0]):
        rest = rest[: match.start()].rstrip(" \t\n,.!?")
    return rest


def _is_plain(words: str) -> bool:
    return words.lower() in _PLAIN_WORDS or " " in folded(words)  # of several words only "I think" is looked for


def folded(text: str) -> str:
    """Return a text without its case and with single spaces."""
    return " ".join(text.casefold().split())
