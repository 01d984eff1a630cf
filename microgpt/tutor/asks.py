"""What becomes of an open question: an answer graded, a hint, the answer given away, a skip; and a contest afterwards.

Each function decides within one `Sitting`, and has written its events before it returns.
"""

from datetime import datetime, timedelta
from typing import Literal, cast

from microgpt.errors import LessonError
from microgpt.insights.grading import gives_up, parse, same, stands_in
from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.insights.practice import Exercise, Grade, grade_choice, grade_line
from microgpt.learner.evidence import Evidence, Json
from microgpt.tutor.hints import RUNGS, hint_text
from microgpt.tutor.render import answer_of, options_of, value_of
from microgpt.tutor.session import Sitting
from microgpt.tutor.state import ClosedAsk, OpenAsk
from microgpt.tutor.turns import Graded, Hint, Turn

UNPARSED_UNTIL_CHOICE = 3

UNGRADED = ("skipped", "abandoned", "void")  # ends of a question that are no evidence
Closing = Literal["right", "wrong", "gave_up", "recorded"]


def open_ask(at: Sitting, ask_id: str) -> OpenAsk:
    """Return the open ask.

    Raises:
        LessonError: another ask is open, or none.
    """
    ask = at.state.ask
    if ask is None:
        raise LessonError(f"no question is open. Try: next {at.lesson.id}")
    if ask.ask_id != ask_id:
        raise LessonError(f"{ask_id!r} is not open; the open question is {ask.ask_id!r}. Try that one.")
    return ask


def answer(at: Sitting, ask_id: str, quote: str, value: str, ran: Grade | None = None) -> Graded:
    """Grade the learner's words: once, however often they are sent.

    Args:
        ran: what became of the learner's code, where that is the answer.
    """
    closed = at.state.closed_ask(ask_id)
    if closed is not None:
        return _again(at, closed, quote)
    ask = open_ask(at, ask_id)
    if ask.holdout and not at.witnessed:
        raise LessonError("this question only measures, so we must hear the learner ourselves. Try: skip")
    if gives_up(quote) and not ask.holdout:
        return reveal(at, ask_id, quote=quote)
    question, exercise = at.question(ask), at.exercise(ask)
    if exercise:
        return _answer_exercise(at, ask, exercise, quote, value, ran)
    assert question is not None, "catch_up let it stand"
    kind = "choice" if ask.options else question.kind
    shape, any_length, texts = question.shape, question.any_length, question.texts
    parsed = parse(quote, kind, options=ask.options, shape=shape, any_length=any_length, known=texts)
    if value:
        said = parse(value, kind, options=ask.options, shape=shape, any_length=any_length, known=texts)
        if said is None or not stands_in(
            said, quote, kind, options=ask.options, shape=shape, any_length=any_length, known=texts
        ):
            raise LessonError(
                f"the quote {quote!r} does not say {value!r} as its one answer, so nothing was graded. "
                "Try again with the learner's own words, or ask them what they mean."
            )
    if parsed is None:
        return _unparsed(at, ask, quote, question=question)
    if ask.options and question.kind != "choice":  # an option's text stands for a value
        parsed = value_of(str(parsed), question)
    return _grade(at, ask, question, quote, parsed)


def _answer_exercise(
    at: Sitting, ask: OpenAsk, exercise: Exercise, quote: str, value: str, ran: Grade | None
) -> Graded:
    if value and value not in quote:
        raise LessonError(f"the value does not stand in the quote {quote!r}, so nothing was graded. Leave it empty.")
    if exercise.kind == "hunt":
        grade = grade_line(exercise, value or quote)
    elif exercise.kind == "experiment":
        grade = grade_choice(exercise, value or quote, ask.options)
    else:
        assert ran is not None, "an answer in code is run before it comes here"
        grade = ran
    if grade.outcome == "unparsed":
        return _unparsed(at, ask, quote, why=grade.why)
    return _close(at, ask, quote, grade.parsed, grade.outcome, grade.misconceptions, why=grade.why)


def _again(at: Sitting, closed: ClosedAsk, quote: str) -> Graded:
    """Answer a resent message with what was said then; another message finds the question closed."""
    if closed.quote != quote or closed.outcome in UNGRADED:
        why = "This question is closed; only the first answer counts."
        why = "This question is closed, and counts for nothing." if closed.outcome in UNGRADED else why
        return Graded(ask_id=closed.ask_id, outcome="closed", why_not=why, then=at.turn())
    return _graded(at, closed)


def _graded(at: Sitting, closed: ClosedAsk) -> Graded:
    return Graded(
        ask_id=closed.ask_id,
        outcome=cast(Closing, closed.outcome),
        parsed=closed.parsed,
        misconceptions=closed.misconceptions,
        credited=closed.credited,
        why_not=closed.why_not,
        answer=answer_of(closed, at.lesson.taught),
        then=at.turn(),
    )


def _unparsed(
    at: Sitting, ask: OpenAsk, quote: str, *, question: LockedQuestion | None = None, why: str = ""
) -> Graded:
    """Leave the question open; the third different try turns it into a choice, where there are enough options.

    Args:
        question: None where an exercise is open.
        why: what was not understood, where more is known than that.
    """
    options = ask.options
    if quote not in ask.unparsed:
        if question and len(ask.unparsed) + 1 == UNPARSED_UNTIL_CHOICE and not options and not ask.holdout:
            options = options_of(question, ask.ask_id)
        at.record("unparsed", {"quote": quote, "options": list(options)}, ask.ask_id)
    turn = at.turn()
    assert turn.ask is not None
    why = why or f"Not understood as one answer, and not counted. An answer looks like {turn.ask.example}"
    return Graded(ask_id=ask.ask_id, outcome="unparsed", why_not=why, then=turn)


def _grade(at: Sitting, ask: OpenAsk, question: LockedQuestion, quote: str, parsed: Json) -> Graded:
    within = at.lesson.taught.course.insights[ask.insight].within
    right = same(cast("Json", parsed), question.key, within)  # pyright: ignore
    possible = () if right or ask.holdout else tuple(
        belief for belief in question.shows if _gives(question.answers[belief], parsed, within)
    )  # fmt: skip
    outcome: Literal["right", "wrong", "recorded"] = "recorded" if ask.holdout else "right" if right else "wrong"
    return _close(at, ask, quote, parsed, outcome, possible)


def reveal(at: Sitting, ask_id: str, quote: str = "") -> Graded:
    """Give the answer away: assisted, never credited."""
    closed = at.state.closed_ask(ask_id)
    if closed is not None:
        return _again(at, closed, quote)
    ask = open_ask(at, ask_id)
    _not_for_holdouts(at, ask, "reveal")
    at.record("reveal", {}, ask_id)
    return _close(at, ask, quote, None, "gave_up", ())


def _close(
    at: Sitting,
    ask: OpenAsk,
    quote: str,
    parsed: Json,
    outcome: Closing,
    possible: tuple[str, ...],
    *,
    why: str = "",
) -> Graded:
    why_not = why if ask.exercise else _why_not(outcome, ask.rung)
    evidence = Evidence(
        id=f"{at.lesson.id}/{ask.ask_id}",
        time=at.now,
        learner=at.lesson.learner,
        course=at.lesson.taught.course.id,
        insight=ask.insight,
        ask=ask.ask_id,
        question_hash=ask.hash,
        quote=quote,
        parsed=parsed,
        outcome=outcome,
        misconceptions=possible,
        hint_rung=RUNGS if outcome == "gave_up" else ask.rung,
        options=len(ask.options),
        milliseconds=round((at.now - datetime.fromisoformat(ask.asked)) / timedelta(milliseconds=1)),
        witnessed=at.witnessed,
    )
    assert at.state.plan is not None
    credited = outcome == "right" and ask.rung == 0 and not ask.exercise
    question = at.question(ask)
    refutes = list(question.shows) if question and credited else []
    beliefs = [belief.id for belief in at.lesson.taught.course.insights[ask.insight].misconceptions]
    ruled_out = {*at.state.insight(ask.insight).refuted, *refutes}
    settles = at.state.plan.move == "place" and credited and not ask.options and ruled_out >= {*beliefs}
    verdict: dict[str, Json] = {
        "credited": credited,
        "why_not": why_not,
        "settles": settles,
        "implies": list(at.lesson.taught.ancestors(ask.insight)) if settles else [],
        "refutes": refutes,
        "beliefs": list[Json](beliefs),
    }
    if ask.exercise:
        verdict["exercise"] = ask.exercise
    body: dict[str, Json] = {**evidence.to_body(), **verdict}
    at.record("evidence", body, ask.ask_id)
    at.advance(just=ask.ask_id)
    closed = at.state.closed_ask(ask.ask_id)
    assert closed is not None
    return _graded(at, closed)


def hint(at: Sitting, ask_id: str) -> Hint:
    """Climb one rung of the ladder; on the last one, stay."""
    ask = open_ask(at, ask_id)
    _not_for_holdouts(at, ask, "hint")
    rung = min(ask.rung + 1, RUNGS)
    if rung > ask.rung:
        at.record("hint", {"rung": rung}, ask_id)
    return Hint(ask_id=ask_id, rung=rung, of=RUNGS, text=hint_text(ask, rung, at.lesson.taught))


def skip(at: Sitting, ask_id: str) -> Turn:
    """Pass over the question; no evidence."""
    if at.state.closed_ask(ask_id) is not None:
        return at.turn()  # sent twice
    ask = open_ask(at, ask_id)
    at.record("skip", {"outcome": "skipped"}, ask.ask_id)
    at.advance(just=ask_id)
    return at.turn()


def contested(at: Sitting, ask_id: str) -> tuple[ClosedAsk, LockedQuestion]:
    """Return a closed ask that a contest may be about, and its question.

    Raises:
        LessonError: it is still open, was not answered, only measured, or is too long ago.
    """
    if at.state.ask is not None and at.state.ask.ask_id == ask_id:
        raise LessonError(f"{ask_id!r} is still open: contest it once it is closed. Try: answer, or reveal.")
    closed, asked = at.state.closed_ask(ask_id), at.state.ask
    if closed and asked and (closed.insight, closed.question) == (asked.insight, asked.question):
        raise LessonError("that question is open again, and the verdict would answer it. Try: answer, or skip, first.")
    if closed is not None and closed.exercise:
        raise LessonError("an exercise changes nothing about what you know, so there is nothing to contest. Try: next")
    question = at.question(closed) if closed else None
    if closed is None or question is None:
        graded = [c for c in at.state.closed if not (c.exercise or c.holdout or c.outcome in UNGRADED)]
        known = f"Try one of: {', '.join(ask.ask_id for ask in graded)}" if graded else "Try: answer one first."
        raise LessonError(f"no closed question {ask_id!r} is left to contest. {known}")
    if closed.outcome in ("skipped", "abandoned"):
        raise LessonError("that question was passed, so nothing was graded that you could contest. Try: next")
    if closed.holdout:
        raise LessonError("this question only measures, so it cannot be contested. Try: next")
    return closed, question


def _not_for_holdouts(at: Sitting, ask: OpenAsk, tool: str) -> None:
    if ask.holdout:
        raise LessonError(f"this question only measures: no {tool}. Try: answer, or skip.")


def _gives(answer: "Json | Fault", parsed: Json, within: float) -> bool:
    return not isinstance(answer, Fault) and same(answer, parsed, within)  # pyright: ignore


def _why_not(outcome: Closing, rung: int) -> str:
    """Say why an answer does not count towards mastery; nothing where it does, or where it was wrong."""
    if outcome == "right" and rung:
        return "That was with help, so another one has to show it."
    if outcome == "gave_up":
        return "The answer was given away, so another one has to show it."
    if outcome == "recorded":
        return "Recorded; this question only measures."
    return ""
