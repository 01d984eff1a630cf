"""What becomes of a model's words: they are cleaned, and set between what the runner says itself.

A rule in a prompt does not hold, so this does. However a model words a turn, the grade, the source, the values and the
question are drawn by the runner, unchanged and with the question last. A sentence of the model's that asks something,
or that grades, is left out: what is typed next is taken as the answer to the question on the screen, and only the
runner grades. Grades are found by their English words; in other languages the runner's own grade stands first.
"""

import re
import unicodedata
from dataclasses import replace

from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Turn
from microgpt.tutor.voices import Block, Heading, Lines, Paragraph, Spoken, offline

LONGEST = 1600  # characters of a model's that are shown
WORDED = frozenset({"predict", "explain", "demonstrate", "ask", "confront"})  # the moves that a model words

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"”’)*]*\s+")
_ASKS = re.compile(r"[?？؟;][\"”’)*\s]*$|[?？؟]")
_OPENING = r"^(?:(?:ah|oh|ok|okay|so|well|yes|no|yep|nope|great|good|nice|hm+)\b[\s,.!:–—-]*)*"
_GRADES = re.compile(
    _OPENING
    + r"(?:(?:that|this|it|you|your \w+)(?:['’](?:s|re)| is| was| are| were)\s+)?"
    + r"(?:(?:absolutely|exactly|quite|almost|nearly|not|completely|partly|partially|indeed|also|all)\s+)*"
    + r"(?:in)?(?:correct(?:ly)?|right|wrong|perfect(?:ly)?|excellent|brilliant|bravo|spot[\s-]on|well done"
    + r"|(?:great|good|nice) (?:job|work|answer|question)|exactly)\b(?:\s*[.!,:;–—]|\s*$|\s+(?:answer|again)\b)"
    + r"|^(?:yes|no|yep|nope)\W*$|^\W*(?:yes\W+)?(?:that|this)(?:['’]s| is) it\b"
    + r"|\byou(?:['’]ve| have)?(?: now)? (?:mastered|passed|failed|scored|earned)\b|\bfull marks\b|[✓✔✅❌✗✘]"
    + r"|\b(?:you(?:['’]ve| have)? got (?:it|that|this)|nailed it)(?: right| wrong)?\W*$"
    + r"|\byour (?:score|grade|answer (?:is|was) (?:in)?correct)\b|\b\d+ (?:out of \d+|points?)\b"
    + r"|\bI(?:['’]ll| will)? (?:give|award|grade|mark)\b",
    re.IGNORECASE,
)


def needs_wording(turn: Turn) -> bool:
    """Whether a turn has anything for a model to word; a question that only measures has not."""
    return turn.move in WORDED and not (turn.ask and turn.ask.holdout)


def interleave(turn: Turn, profile: Profile, words: Spoken) -> Spoken:
    """Return a turn with a model's words in place of the runner's prose; all that is not prose is the runner's.

    >>> turn = Turn(lesson="l", turn=1, move="ask", say={"insight": "i", "why": "first"}, ask=None, exits=(), ack="t1")
    >>> [block.text for block in interleave(turn, Profile(id="ada", name="Ada"), (Paragraph(text="Try it."),))]
    ['Try it.']
    """
    said, grade = offline.word(turn, profile), _grade(turn, profile)
    blocks, placed = list[Block](grade), False
    for block in said[len(grade) :]:
        prose = isinstance(block, Paragraph) and block.tone == "plain"
        if not placed and not isinstance(block, Heading) and (prose or not isinstance(block, Paragraph)):
            blocks += words
            placed = True
        if not prose:
            blocks.append(block)
    return tuple(blocks)


def _grade(turn: Turn, profile: Profile) -> Spoken:
    """Return what the runner says of the last question: what is said of the turn, less what would be said without."""
    bare = replace(turn, say={name: fact for name, fact in turn.say.items() if name != "just"})
    said = offline.word(turn, profile)
    return said[: len(said) - len(offline.word(bare, profile))]


def cleaned(text: str) -> Spoken:
    """Return a model's text as blocks: no control codes, no questions, no grades, and an end.

    >>> cleaned("Correct! Shares add up to one. What is e?")
    (Paragraph(text='Shares add up to one.', tone='plain'),)
    """
    blocks: list[Block] = []
    for n, part in enumerate(re.split(r"^\s*```.*$", _shortened(_printable(text)), flags=re.MULTILINE)):
        if n % 2:
            blocks += [Lines(lines=tuple(part.strip("\n").splitlines()))] if part.strip() else []
            continue
        kept = (_kept(paragraph) for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*#\d])", part))
        blocks += [Paragraph(text=paragraph) for paragraph in kept if paragraph]
    return tuple(blocks)


def _printable(text: str) -> str:
    """Return the text without control codes and marks that turn the direction of writing."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\t", "    "))
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs"))


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    head = text[:LONGEST]
    return head[: max(head.rfind(end) for end in (". ", ".\n", " ")) + 1].rstrip() + " …"


def _kept(paragraph: str) -> str:
    words = re.sub(r"^\s*(?:#+|[-*]|\d+[.)])\s+", "", " ".join(paragraph.split()))
    return " ".join(s for s in _SENTENCE.split(words) if s and not _ASKS.search(s) and not _GRADES.search(s))
