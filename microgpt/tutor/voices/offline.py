"""The voice that needs no model: it puts a turn's facts into plain sentences, the same ones for the same turn.

It knows nothing but the turn and the learner's profile. It does not praise, it says what is the case. Which facts a
move brings stands in `microgpt.tutor.render`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Ask, Example, Graded, Hint, InsightProgress, Progress, Result, Source, Turn, Verdict
from microgpt.tutor.voices import Block, Heading, Lines, Listing, Options, Paragraph, Spoken

WITH_YOURS = "And with yours:"
Facts = Mapping[str, Any]  # a turn's `say`: JSON, whose shape the move decides


def word(turn: Turn, profile: Profile) -> Spoken:
    """Return what to say for a turn: how the last question ended, then the move, then the open question."""
    say = cast(Facts, turn.say)
    move = {
        "place": _place,
        "predict": _predict,
        "explain": _explain,
        "demonstrate": _demonstrate,
        "ask": _ask,
        "confront": _confront,
        "practise": _practise,
        "review": _review,
        "finish": _finish,
    }[turn.move]
    blocks = (*_just(turn, say), *_heading(turn, say), *move(turn, say, profile))
    return (*blocks, *word_ask(turn.ask, label=_place_in_series(say))) if turn.ask else blocks


def word_ask(ask: Ask, label: str = "") -> Spoken:
    """Return the question, and the options if it is a choice."""
    question = Lines(lines=tuple(ask.text.splitlines()), label=label)
    return (question, Options(texts=ask.options)) if ask.options else (question,)


def word_code(turn: Turn) -> Spoken:
    """Return the lines that the turn is about."""
    return _listings(turn.say) or (Paragraph(text="There is no code to show here."),)


def word_graded(graded: Graded, profile: Profile) -> Spoken:
    """Return what to say to an answer: what follows it, or, where nothing was graded, why not."""
    if graded.outcome == "closed":
        return (Paragraph(text=graded.why_not), *word(graded.then, profile))
    if graded.outcome != "unparsed":
        return word(graded.then, profile)
    return (Paragraph(text=_sentence(graded.why_not)),)


def word_hint(hint: Hint) -> Spoken:
    """Return a hint, with its place on the ladder: the last rung is the answer."""
    words, *code = hint.text.split("\n")
    return (Paragraph(text=f"Hint {hint.rung} of {hint.of}. {words}"), *_code(code))


def word_verdict(verdict: Verdict) -> Spoken:
    """Return what the key's second computation gave."""
    return (Paragraph(text=f"{verdict.text} The answer stands." if verdict.upheld else verdict.text),)


def word_progress(progress: Progress) -> Spoken:
    """Return where every idea of the plan stands; one that is not known yet is not named, for its name tells it."""
    total = Paragraph(text=f"You know {progress.known} of {len(progress.insights)}.")
    rows: list[str] = []
    for (status, claim, due), run in groupby(enumerate(progress.insights, 1), key=lambda row: _row(row[1])):
        numbers = [n for n, _ in run]
        range_ = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"  # what is not named is alike
        rows.append(f"{range_:>5}  {status:8}  {claim}".rstrip() + (f" (again on {_day(due)})" if due else ""))
    return (total, Lines(lines=tuple(rows)))


def _row(insight: InsightProgress) -> tuple[str, str, str]:
    return insight.status, insight.claim if insight.status in ("mastered", "shown") else "", insight.due


def word_example(example: Example) -> Spoken:
    """Return a worked example with the learner's own values."""
    why_not = (Paragraph(text=example.why_not),) if example.why_not else ()
    source = example.source.to_json() if example.source else None
    return (*_worked({"worked": example.worked, "source": source}), *why_not)


def word_result(result: Result) -> Spoken:
    """Return what the learner's own code gave."""
    return (Lines(lines=tuple(result.text.splitlines())),)


def word_source(source: Source) -> Spoken:
    """Return the lines of a symbol."""
    return (Listing(file=source.file, start=source.start, lines=source.lines),)


def answers_with_belief(turn: Turn) -> bool:
    """Whether a turn meets a wrong answer with the belief behind it, in place of the words that it was wrong."""
    just = cast(Facts, turn.say.get("just") or {})
    is_about = just.get("insight") == turn.say["insight"] and not just.get("exercise")
    return turn.move == "confront" and just.get("outcome") == "wrong" and is_about


def _just(turn: Turn, say: Facts) -> Spoken:
    """Say how the last question ended, in one paragraph."""
    just: Facts = say.get("just") or {}
    if not just or answers_with_belief(turn):
        return ()
    if just.get("exercise"):
        return _after_exercise(turn, just)
    answer, why_not = str(just.get("answer") or ""), str(just.get("why_not") or "")
    told = f": {_stopped(answer)}" if answer else "."
    match just["outcome"]:
        case "right":
            words = _vary(turn, "Right", "Yes", "That is it") + told
            words = f"{words} {why_not}" if why_not else words
            words += " With that, this idea is yours." if just.get("newly_mastered") else ""
            if just.get("claim"):
                return (Paragraph(text=words), Paragraph(text=just["claim"], tone="claim"))
        case "wrong" if just["insight"] != say["insight"]:
            words = _vary(turn, "Not that. It comes up later.", "No. Good to know where to begin.")
        case "wrong":
            words = _vary(turn, "No, something else comes out.", "Not that.")
        case "gave_up":
            words = f"It is {_stopped(answer)} {why_not}"
        case "skipped":
            words = _vary(turn, "Passed.", "Left out.")
        case "void":
            words = "Taken back, and counts for nothing."
        case "recorded":
            words = f"{why_not} Whether it was right is not told."
        case _:
            words = "The question left open last time is set aside, and counts for nothing."
    return (Paragraph(text=words),)


def _after_exercise(turn: Turn, just: Facts) -> Spoken:
    """Say how an exercise ended; nothing hangs on it, so its solution is told however it did."""
    answer, *code = str(just["answer"]).split("\n")
    is_answer = "It was written like this:" if code else f"It is {answer}."
    if just["exercise"] == "experiment":
        is_answer = f"With the edit: {_stopped(answer)}"
    match just["outcome"]:
        case "right":
            words = _vary(turn, "Right", "Yes", "That is it") + (f": {answer}." if answer else ", on every input.")
            return (Paragraph(text=words),)
        case "wrong":
            told = () if turn.move == "confront" else just["possible"]  # else the next words are about it
            beliefs = "".join(f" So it would be if this were so: “{belief}”" for belief in told)
            words = f"{_vary(turn, 'No.', 'Not that.')} {_sentence(str(just['why_not']))}{beliefs}".strip()
            return (Paragraph(text=words), Paragraph(text=is_answer), *_code([answer, *code] if code else []))
        case "gave_up":
            return (Paragraph(text=is_answer), *_code([answer, *code] if code else []))
        case "skipped":
            return (Paragraph(text=_vary(turn, "Passed.", "Left out.")),)
        case _:
            return (Paragraph(text="The exercise left open last time is set aside, and counts for nothing."),)


def _code(lines: Sequence[str]) -> Spoken:
    return (Listing(file="", start=1, lines=tuple(lines)),) if lines else ()


def _heading(turn: Turn, say: Facts) -> Spoken:
    """Name the code in question, not the idea: an idea's name would give its claim away before the learner predicts."""
    if turn.move in ("place", "review", "finish") or not say.get("source"):
        return ()
    return (Heading(left=say["source"]["symbol"], right=f"you know {say['known']} of {say['of']}"),)


def _place(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    if not say.get("n"):
        return (Paragraph(text=_vary(turn, "You may know this one already.", "Perhaps this is known to you too.")),)
    if say["n"] > 1:
        return ()
    most = "one quick question" if say["of_n"] == 1 else f"at most {say['of_n']} quick questions"
    return (Paragraph(text=f"First, where to start: {most}. Enter passes what you don't know."),)


def _predict(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    words = _vary(turn, "Before you read on, predict.", "What do you expect? A wrong guess is worth more than none.")
    return (*_listings(say), Paragraph(text=words))


def _explain(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    blocks: list[Block] = [Paragraph(text=say["claim"], tone="claim")]
    blocks += [Paragraph(text=text) for text in str(say.get("text") or "").split("\n\n") if text.strip()]
    blocks += (Paragraph(text="For example:"), *_worked(say)) if say.get("worked") else _listings(say)
    if say.get("breaks"):
        blocks.append(Paragraph(text=f"Where it breaks: {say['breaks']}"))
    if say.get("skip"):
        blocks.append(Paragraph(text=f"Left out for now: {say['skip']}", tone="quiet"))
    return tuple(blocks)


def _demonstrate(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    words = _vary(turn, "Your question, worked through:", "Step by step, with your numbers:")
    return (Paragraph(text=say["claim"], tone="claim"), Paragraph(text=words), *_worked({**say, "show": ()}))


def _ask(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    words = {
        "first": _vary(turn, "Now you.", "Your turn."),
        "again": _vary(turn, "Once more.", "Again."),
        "parallel": _vary(turn, "Another one.", "Now another one."),
        "confirm": _vary(turn, "Once more, to be sure it was no luck.", "And one you have not seen, to be sure."),
    }
    return (Paragraph(text=words[say["why"]]),)


def _confront(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    """Name the belief that the answer fits, and what it would have to say next; the learner finds the contradiction."""
    several = ", for one," if len(say["possible"]) > 1 else ""
    just: Facts = say.get("just") or {}
    if answers_with_belief(turn):
        said = f"You said {say['you_said']}. That is what it would give{several} if this were so:"
    elif just.get("outcome") == "wrong" and just["insight"] == say["insight"]:  # an exercise
        said = f"Your code does what would be right{several} if this were so:"
    else:
        said = f"An answer that you gave before would be right{several} if this were so:"
    blocks = [Paragraph(text=f"{said} “{say['belief']}”")]
    blocks += [Paragraph(text=say["reply"])] if say.get("reply") else []
    then = f" That belief says {say['it_would_say']}. Does the code?" if say.get("it_would_say") else ""
    return (*blocks, *_listings(say)[:1], Paragraph(text=f"Then try this.{then}"))


def _practise(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    words = _vary(turn, "Practice, with the code itself. Enter passes.", "Now the code itself. Enter passes.")
    return (Paragraph(text=words), *_listings(say))


def _review(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    days = int(say.get("days") or 0)
    return (Paragraph(text=f"Last seen {days} days ago.", tone="quiet"),) if days > 1 else ()


def _finish(turn: Turn, say: Facts, profile: Profile) -> Spoken:
    if turn.ask:
        words = "Now some last questions without help: they measure what stays, and no grade is told."
        return (Paragraph(text=words),) if say.get("n") == 1 else ()
    address = f"{profile.name}, these ideas" if profile.name else "These ideas"
    blocks = (
        *_ideas(f"{address} are yours, from your own answers:", say["mastered"]),
        *_ideas("These you knew when you came:", say["shown"]),
        *_ideas("These are left for another day:", say.get("left") or ()),
    )
    if not say.get("next_review"):
        return blocks
    return (*blocks, Paragraph(text=f"What is not used is forgotten. Come back on {_day(say['next_review'])}."))


def _ideas(words: str, ideas: Sequence[Facts]) -> Spoken:
    claims = tuple(Paragraph(text=idea["claim"], tone="claim") for idea in ideas)
    return (Paragraph(text=words), *claims) if claims else ()


def _worked(say: Facts) -> tuple[Block, ...]:
    """Show a worked question: its inputs, the values that each line computes, what comes out."""
    worked: Facts = say["worked"]
    asked = [*str(worked["inputs"]).splitlines(), *str(worked["ask"]).splitlines()]
    values: dict[int, list[str]] = {}
    for value in worked["values"]:
        values.setdefault(value["line"], []).append(f"{value['name']} = {value['text']}")
    answer = tuple(f"→ {line}" for line in str(worked["answer"]).splitlines())
    return (
        Lines(lines=tuple(asked)),
        *_listings(say, {line: ", ".join(texts) for line, texts in values.items()}),
        *((Lines(lines=answer),) if answer else ()),
    )


def _listings(say: Facts, values: Mapping[int, str] | None = None) -> tuple[Listing, ...]:
    sources = [source for source in (say.get("source"), *(say.get("show") or ())) if source]
    return tuple(
        Listing(file=source["file"], start=source["start"], lines=tuple(source["lines"]), values=values or {})
        for source in sources
    )


def _place_in_series(say: Facts) -> str:
    return f"{say['n']}/{say['of_n']}" if say.get("of_n") else ""


def _vary(turn: Turn, *phrasings: str) -> str:
    """Choose by the turn's number: words change from turn to turn, and a turn drawn again says the same."""
    return phrasings[turn.turn % len(phrasings)]


def _sentence(text: str) -> str:
    """Return the text with a capital in front and a full stop behind."""
    return text and text[0].upper() + _stopped(text[1:])


def _stopped(text: str) -> str:
    """Return the text with a full stop behind, if it has none; an answer may be a sentence."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _day(time: str) -> str:
    return datetime.fromisoformat(time).date().isoformat()
