"""One insight: a Markdown file with a claim, questions and misconceptions, read strictly and without running anything.

The keys above the text are few; what each is for stands in the classes below. Read `mutant` beside this file.
"""

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from microgpt.errors import CourseError
from microgpt.insights.question import is_number
from microgpt.insights.strict_yaml import Document, brief, control_code, nearest, read_yaml
from microgpt.insights.subject import parse_python
from microgpt.sandbox import Json

INSIGHT_KEYS = (
    "id", "claim", "anchor", "needs", "ask", "call", "within", "keep", "show", "yours", "options", "questions",
    "misconceptions", "skip", "revision",
)  # fmt: skip
QUESTION_KEYS = ("ask", "call", "holdout", "options", "right", "wrong")  # every other key is an input
YOURS = "yours"  # what an expression calls the learner's own text
MISCONCEPTION_KEYS = ("belief", "mutant", "counter", "reply")
IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_ID = 64  # characters
_BREAKS = re.compile(r"^(## Where it breaks[ \t]*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Inputs for a call of the subject; the key is what comes out, so nobody types it.

    Args:
        ask, call, options: the question's own, or empty where the insight's hold.
        holdout: never taught with, only asked at the end to measure.
        right, wrong: the answers, in an insight without code: the key, and each misconception's answer.
        line: where it stands in the file.
    """

    id: str
    inputs: Mapping[str, Json]
    ask: str
    call: str
    holdout: bool
    options: tuple[str, ...]
    right: Json
    wrong: Mapping[str, Json]
    line: int


@dataclass(frozen=True, kw_only=True)
class Misconception:
    """A wrong belief, and the edit that makes the code believe it.

    Args:
        mutant: a diff of the subject (see `mutant`); empty in an insight without code.
        counter: the question that shows the belief to be wrong.
        reply: the educator's own words for a learner who holds it; may be empty.
    """

    id: str
    belief: str
    mutant: str
    counter: str
    reply: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Insight:
    """What one file says.

    Args:
        claim: the one thing to be remembered.
        anchor: the symbol of the subject that this is about, such as ``adam`` or ``train.lr``; empty without code.
        needs: ids of the insights to know first.
        ask, call, options: of every question that does not bring its own.
        within: how far a number may be from the key and still be right.
        keep: inputs that parallel questions take over unchanged, so that an `ask` may speak of them.
        show: further symbols whose source is printed.
        yours: an expression of the subject in which ``yours`` stands for the learner's own text: their name, or what
            they type. What it gives is shown after the explanation; may be empty.
        skip: what to leave out when teaching it.
        text: the Markdown above ``## Where it breaks``; `breaks` is what stands below.
        revision: counted up where the meaning changed, so that earlier answers no longer count.
        lines, columns: where each key stands, by dotted key; ``text`` and ``breaks`` too.
    """

    id: str
    claim: str
    anchor: str
    needs: tuple[str, ...]
    ask: str
    call: str
    within: float
    keep: tuple[str, ...]
    show: tuple[str, ...]
    yours: str
    options: tuple[str, ...]
    questions: tuple[Question, ...]
    misconceptions: tuple[Misconception, ...]
    skip: str
    text: str
    breaks: str
    revision: int
    path: str
    lines: Mapping[str, int]
    columns: Mapping[str, int]

    def error(self, key: str, message: str) -> CourseError:
        """Return an error that points at a key."""
        return CourseError(brief(message), path=self.path, line=self.lines[key], column=self.columns[key])


def parse_insight(text: str, path: str) -> Insight:
    """Read an insight from the text of its file.

    Args:
        path: the file, as the user would name it; only errors use it.

    Raises:
        CourseError: with the line and column of the first thing that is wrong.
    """
    front, body, body_line = _split(text, path)
    for number, line in enumerate(body.split("\n"), body_line):
        if code := control_code(line):
            message = f"{code} stands in it, which a terminal would obey. Try deleting it."
            raise CourseError(message, path=path, line=number)
    doc = read_yaml(front, path=path, first_line=2)
    _known_keys(doc, "", INSIGHT_KEYS)
    questions = tuple(_question(doc, name) for name in doc.mapping("questions"))
    misconceptions = tuple(_misconception(doc, name) for name in doc.mapping("misconceptions"))
    before, heading, after = _BREAKS.split(body, maxsplit=1) if _BREAKS.search(body) else (body, "", "")
    insight = Insight(
        id=_identifier(doc, "id", doc.text("id")),
        claim=doc.text("claim"),
        anchor=doc.text("anchor", ""),
        needs=doc.texts("needs"),
        ask=doc.text("ask", ""),
        call=doc.text("call", ""),
        within=_within(doc),
        keep=doc.texts("keep"),
        show=doc.texts("show"),
        yours=doc.text("yours", ""),
        options=doc.texts("options"),
        questions=questions,
        misconceptions=misconceptions,
        skip=doc.text("skip", ""),
        text=before.strip(),
        breaks=after.strip(),
        revision=_revision(doc),
        path=path,
        lines={key: line for key, (line, _) in doc.places.items()}
        | {"text": body_line + _first_line(before), "breaks": body_line + _first_line(after, before + heading)},
        columns={key: column for key, (_, column) in doc.places.items()} | {"text": 1, "breaks": 1},
    )
    _check_questions(doc, insight)
    return insight


def _split(text: str, path: str) -> tuple[str, str, int]:
    """Return the keys, the text below them, and the line on which that begins."""
    lines = text.split("\n")
    marks = [i for i, line in enumerate(lines) if line.rstrip() == "---"][:2]
    if len(marks) < 2 or marks[0] != 0:
        raise CourseError("the keys must stand between two lines of ---. Try --- as the first line.", path=path, line=1)
    end = marks[1]
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2


def _first_line(text: str, above: str = "") -> int:
    """Return on which line, counted from 0, the first words of a text stand below what is above it."""
    blank = len(text) - len(text.lstrip())
    return (above + text[:blank]).count("\n")


def _question(doc: Document, name: str) -> Question:
    key = f"questions.{name}"
    _identifier(doc, key, name)
    fields = doc.mapping(key)
    wrong = list(doc.mapping(f"{key}.wrong")) if "wrong" in fields else []
    holdout = fields.get("holdout", False)
    if not isinstance(holdout, bool):
        raise doc.error(f"{key}.holdout", f"holdout is true or false, not {holdout!r}. Try  holdout: true")
    return Question(
        id=name,
        inputs={k: v for k, v in fields.items() if k not in QUESTION_KEYS},
        ask=doc.text(f"{key}.ask", ""),
        call=doc.text(f"{key}.call", ""),
        holdout=holdout,
        options=doc.texts(f"{key}.options"),
        right=doc.text(f"{key}.right") if "right" in fields else None,
        wrong={belief: doc.text(f"{key}.wrong.{belief}") for belief in wrong},
        line=doc.line(key),
    )


def _misconception(doc: Document, name: str) -> Misconception:
    key = f"misconceptions.{name}"
    _identifier(doc, key, name)
    _known_keys(doc, key, MISCONCEPTION_KEYS)
    return Misconception(
        id=name,
        belief=doc.text(f"{key}.belief"),
        mutant=doc.text(f"{key}.mutant", ""),
        counter=doc.text(f"{key}.counter"),
        reply=doc.text(f"{key}.reply", ""),
        line=doc.line(key),
    )


def _check_questions(doc: Document, insight: Insight) -> None:
    """Check what only several keys together can break."""
    with_code = bool(insight.call) or any(q.call for q in insight.questions)
    for question in insight.questions:
        key = f"questions.{question.id}"
        if not (question.ask or insight.ask):
            raise doc.error(key, f"{question.id!r} asks nothing. Try an `ask:` here or for the whole insight.")
        if with_code:
            _check_call(doc, key, question, question.call or insight.call)
        else:
            _check_wrong_answers(doc, key, question, [m.id for m in insight.misconceptions])
    _check_keep(doc, insight)
    _check_yours(doc, insight, with_code)
    taught_with = [q.id for q in insight.questions if not q.holdout]
    for belief in insight.misconceptions:
        key = f"misconceptions.{belief.id}"
        if belief.counter not in taught_with:
            message = f"{belief.counter!r} is no question that may be taught with."
            raise doc.error(f"{key}.counter", f"{message} {nearest(belief.counter, taught_with)}")
        if with_code and not belief.mutant:
            raise doc.error(key, f"{belief.id!r} changes no code. Try a `mutant:` with a - line and a + line.")
        if belief.mutant and not with_code:
            raise doc.error(f"{key}.mutant", "a mutant needs a `call:` to show itself. Try adding one.")


def _check_keep(doc: Document, insight: Insight) -> None:
    inputs = list(dict.fromkeys(name for question in insight.questions for name in question.inputs))
    for i, name in enumerate(insight.keep):
        if name not in inputs:
            hint = nearest(name, inputs) if inputs else "Try deleting the line."
            raise doc.error(f"keep.{i}", f"no question has an input {name!r} to keep. {hint}")


def _check_yours(doc: Document, insight: Insight, with_code: bool) -> None:
    if not insight.yours:
        return
    if not with_code:
        raise doc.error("yours", "without a `call:` there is no code to run on the learner's text. Try deleting it.")
    try:
        used = _names_in(insight.yours)
    except CourseError as error:
        raise doc.error("yours", f"this is no expression: {error.message}") from None
    if YOURS not in used:
        raise doc.error("yours", "the learner's text is not used. Try a call with  yours  in it, such as len(yours).")


def _check_call(doc: Document, key: str, question: Question, call: str) -> None:
    where = f"{key}.call" if question.call else "call"
    if not call:
        raise doc.error(key, f"{question.id!r} has no call to compute its answer. Try a `call:` here.")
    if question.right is not None or question.wrong:
        raise doc.error(key, "the call computes the answer, so none is written down. Try deleting right and wrong.")
    try:
        used = _names_in(call)
    except CourseError as error:
        raise doc.error(where, f"the call is no expression: {error.message}") from None
    for name in question.inputs:
        if name not in used:
            meant = get_close_matches(name, (*QUESTION_KEYS, *used), n=1)
            hint = f"Try {meant[0]}." if meant else "Try deleting it."
            raise doc.error(f"{key}.{name}", f"the call {call} does not use the input {name!r}. {hint}")


@lru_cache(maxsize=64)
def _names_in(call: str) -> frozenset[str]:
    tree = parse_python(call, path="", mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _check_wrong_answers(doc: Document, key: str, question: Question, beliefs: list[str]) -> None:
    for name in question.inputs:
        raise doc.error(f"{key}.{name}", f"unknown key {name!r} without a `call:`. {nearest(name, QUESTION_KEYS)}")
    if question.right is None:
        raise doc.error(key, f"{question.id!r} has no right answer. Try a `call:` that computes it, or `right:`.")
    for belief in question.wrong:
        if belief not in beliefs:
            raise doc.error(f"{key}.wrong.{belief}", f"no misconception {belief!r}. {nearest(belief, beliefs)}")
    for belief in beliefs:
        if belief not in question.wrong:
            raise doc.error(key, f"the answer of {belief!r} is missing. Try  {belief}: ...  under `wrong:`.")


def _known_keys(doc: Document, key: str, known: Collection[str]) -> None:
    for name in doc.mapping(key):
        if name not in known:
            raise doc.error(f"{key}.{name}".lstrip("."), f"unknown key {name!r}. {nearest(name, known)}")


def _identifier(doc: Document, key: str, name: str) -> str:
    if not IDENTIFIER.fullmatch(name) or len(name) > LONGEST_ID:
        raise doc.error(key, f"the id {name[:70]!r} has other signs than a-z, 0-9 and -. Try  lower-case-words")
    return name


def _within(doc: Document) -> float:
    within = doc.data.get("within", 0.005)
    if not is_number(within) or within <= 0:
        raise doc.error("within", f"within is a number above 0, not {within!r}. Try  within: 0.005")
    return float(within)


def _revision(doc: Document) -> int:
    revision = doc.data.get("revision", 1)
    if isinstance(revision, bool) or not isinstance(revision, int) or revision < 1:
        raise doc.error("revision", f"revision counts from 1, not {revision!r}. Try  revision: 2")
    return revision
