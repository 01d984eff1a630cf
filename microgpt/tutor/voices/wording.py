"""What becomes of a model's words: they are cleaned, and set between what the runner says itself.

A rule in a prompt does not hold, so this does. However a model words a turn, the grade, the source, the values and the
question are drawn by the runner, unchanged and with the question last. A sentence of the model's that asks something,
or that grades, is left out: what is typed next is taken as the answer to the question on the screen, and only the
runner grades. Grades are found by their English words; in other languages the runner's own grade stands first.

A model's words are shown while they come, a sentence at a time: only a whole one can be seen to ask, or to grade.
"""

import re
import unicodedata
from dataclasses import replace

from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Turn
from microgpt.tutor.voices import Block, Heading, Hear, Lines, Paragraph, Spoken, offline

LONGEST = 1600  # characters of a model's that are shown
WORDED = frozenset({"predict", "explain", "demonstrate", "ask", "confront"})  # the moves that a model words

NOT_THAT = Paragraph(text="Not that.")

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")
_SENTENCE = re.compile("|".join(rf"(?<=[.!?…。！？][\"”’)*]{{{closers}}})\s+" for closers in range(4)))
_END = re.compile(r"(?<![\d*#\s-])[.!?…。！？][\"”’)*]*\s+|\n\s*\n")  # of a sentence; "2." may begin a list
_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
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


def parted(turn: Turn, profile: Profile) -> tuple[Spoken, Spoken]:
    """Return a turn in the built-in voice's words, parted where a model's words have their place: before its prose.

    >>> turn = Turn(lesson="l", turn=1, move="ask", say={"insight": "i", "why": "first"}, ask=None, exits=(), ack="t1")
    >>> parted(turn, Profile(id="ada", name="Ada"))
    ((), (Paragraph(text='Your turn.', tone='plain'),))
    """
    said, grade = offline.word(turn, profile), _grade(turn, profile)
    if offline.answers_with_belief(turn):  # which a model words here, so that the grade has to be said
        said, grade = (NOT_THAT, *said), (NOT_THAT,)
    graded = len(grade)
    for place, block in enumerate(said[graded:], graded):
        if not isinstance(block, Heading) and (_is_prose(block) or not isinstance(block, Paragraph)):
            return said[:place], said[place:]
    return said, ()


def without_prose(spoken: Spoken) -> Spoken:
    """Return what is the runner's to say, whoever words the rest: claims, code, values, the question."""
    return tuple(block for block in spoken if not _is_prose(block))


def _is_prose(block: object) -> bool:
    return isinstance(block, Paragraph) and block.tone == "plain"


class Words:
    """A model's words while they come.

    Args:
        before: what stands before them.
        hear: shows what may be shown by now.

    Attributes:
        text: all that has come.
        spoken: what of it has been shown.
    """

    def __init__(self, before: Spoken, hear: Hear) -> None:
        self._before, self._hear = before, hear
        self.text, self.spoken = "", Spoken()
        hear((*before, Paragraph(text="")))  # here they will stand

    def take(self, piece: str) -> None:
        """Take in the next piece; show the sentences that are whole by now."""
        self.text += piece
        spoken = cleaned(settled(self.text))
        if spoken != self.spoken:
            self.spoken = spoken
            self._hear((*self._before, *spoken))


def settled(text: str) -> str:
    """Return what nothing to come can change of a text that is still being written: whole sentences, closed fences.

    >>> settled("Shares add up to one. Is th")
    'Shares add up to one. '
    """
    text = text[:LONGEST]
    ends = [match.end() for match in _END.finditer(text)]
    whole = text[: ends[-1]] if ends else ""
    fences = list(_FENCE.finditer(whole))
    return whole[: fences[-1].start()] if len(fences) % 2 else whole


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
    for n, part in enumerate(_FENCE.split(_shortened(_printable(text)))):
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
