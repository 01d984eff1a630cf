"""What a learner would see of one insight: its text, questions with hints, beliefs and how they are met, practice.

Made by the same functions as a lesson's turns. What nobody but the educator can tell, it asks: does somebody who
believes this really answer that?
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from microgpt.errors import CourseError
from microgpt.insights.answers import SAMPLE, compute_answers
from microgpt.insights.course import Course
from microgpt.insights.insight import Insight, Misconception
from microgpt.insights.lock import held_lock, stale
from microgpt.insights.locked import Fault, Lock, LockedInsight, LockedQuestion
from microgpt.insights.practice import Exercise, make_exercises
from microgpt.insights.strict_yaml import nearest
from microgpt.learner.evidence import Json
from microgpt.learner.profile import Profile
from microgpt.tutor.example import work_through
from microgpt.tutor.hints import RUNGS, hint_text
from microgpt.tutor.render import options_of, render, render_ask, show
from microgpt.tutor.state import LessonState, OpenAsk, Plan
from microgpt.tutor.turns import Ask, Example, Turn
from microgpt.tutor.view import Teachable
from microgpt.tutor.voices import Block, Heading, Lines, Listing, Paragraph, Spoken, offline

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # no move that is shown here depends on the time


@dataclass(frozen=True, kw_only=True)
class PreviewedQuestion:
    """A question as it is asked.

    Args:
        answer: its key, as text.
        hints: the whole ladder; none for a holdout.
        parallel: made by the lock, not by the educator.
    """

    id: str
    ask: Ask
    answer: str
    hints: tuple[str, ...]
    parallel: bool


@dataclass(frozen=True, kw_only=True)
class PreviewedBelief:
    """A misconception, what it answers, and how it is confronted.

    Args:
        says: (question, its answer as text, whether that is wrong) for the educator's questions; an answer is empty
            where the belief gives none.
    """

    id: str
    belief: str
    counter: str
    says: tuple[tuple[str, str, bool], ...]
    confront: Turn


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One insight as a learner meets it.

    Args:
        yours: what its page has for the learner's own text, with a name in its place; None where it has nothing.
    """

    course: str
    insight: str
    explain: Turn
    yours: Example | None
    questions: tuple[PreviewedQuestion, ...]
    beliefs: tuple[PreviewedBelief, ...]
    practice: tuple[Exercise, ...]

    def to_json(self) -> dict[str, Json]:
        """Return the preview as one JSON object."""
        questions: list[Json] = [
            {"id": q.id, **q.ask.to_json(), "answer": q.answer, "hints": list(q.hints), "parallel": q.parallel}
            for q in self.questions
        ]
        beliefs: list[Json] = [
            {
                "id": b.id,
                "belief": b.belief,
                "counter": b.counter,
                "says": [{"question": name, "answer": answer, "wrong": wrong} for name, answer, wrong in b.says],
                "confront": b.confront.to_json(),
            }
            for b in self.beliefs
        ]
        return {
            "format": "microgpt/preview/1",
            "course": self.course,
            "insight": self.insight,
            "explain": self.explain.to_json(),
            **({"yours": self.yours.to_json()} if self.yours else {}),
            "questions": questions,
            "beliefs": beliefs,
            "practice": [_exercise_json(exercise) for exercise in self.practice],
        }


def preview(course: Course, name: str, *, trusted: bool = False) -> Preview:
    """Return what a learner would see of an insight; answers that the lock does not hold are computed.

    Args:
        trusted: the course's code may run where nothing can contain it.

    Raises:
        CourseError: there is no such insight, or something in it does not work.
        SandboxError: nothing here can contain the course's code.
    """
    if name not in course.insights:
        raise CourseError(f"{course.id!r} has no insight {name!r} to show. {nearest(name, course.insights)}")
    insight = course.insights[name]
    taught = _alone(course, insight, _answers(course, insight, trusted))
    questions = taught.lock.insights[name].questions
    worked = next(question for question in questions if not question.holdout)
    yours = work_through(taught, name, worked, SAMPLE, trusted=trusted) if insight.yours else None
    return Preview(
        course=course.id,
        insight=name,
        explain=_turn(taught, Plan(move="explain", insight=name, worked=worked.id)),
        yours=yours,
        questions=tuple(_question(taught, name, question) for question in questions),
        beliefs=tuple(_belief(taught, name, belief) for belief in insight.misconceptions),
        practice=make_exercises(taught.course, taught.lock.insights[name]),
    )


def word_preview(seen: Preview) -> Spoken:
    """Return a preview for the terminal: what is taught, what is asked, what is believed."""
    nobody = Profile(id="", name="")
    blocks: list[Block] = [*offline.word(seen.explain, nobody)]
    if seen.yours:
        blocks += [Paragraph(text=offline.WITH_YOURS), *offline.word_example(seen.yours)]
    asked = [question for question in seen.questions if not question.parallel]
    blocks.append(Heading(left="Questions", right=f"{len(asked)}, and {len(seen.questions) - len(asked)} like them"))
    for question in asked:
        label = f"{question.id} (holdout)" if question.ask.holdout else question.id
        blocks += [*offline.word_ask(question.ask, label), Lines(lines=(f"right: {question.answer}",))]
    for rung, hint in enumerate(asked[0].hints, 1):
        blocks.append(Paragraph(text=f"Hint {rung} of {RUNGS} for {asked[0].id}. {hint}", tone="quiet"))
    for belief in seen.beliefs:
        blocks += [Heading(left=belief.id, right=f"confronted with {belief.counter}"), *_word_belief(belief, nobody)]
    first_of_kind = {exercise.kind: exercise for exercise in reversed(seen.practice)}
    for exercise in reversed(first_of_kind.values()):
        alike = sum(other.kind == exercise.kind for other in seen.practice)
        blocks.append(Heading(left=f"Practice: {exercise.kind}", right=f"1 of {alike}"))
        blocks += [
            Paragraph(text=exercise.task),
            Listing(file=exercise.file, start=exercise.start, lines=exercise.lines),
        ]
        blocks.append(Lines(lines=tuple(f"right: {exercise.answer}".splitlines())))
    return tuple(blocks)


def _exercise_json(exercise: Exercise) -> dict[str, Json]:
    return {
        "id": exercise.id,
        "kind": exercise.kind,
        "task": exercise.task,
        "file": exercise.file,
        "start": exercise.start,
        "lines": list(exercise.lines),
        "options": list(exercise.options),
        "answer": exercise.answer,
    }


def _word_belief(belief: PreviewedBelief, nobody: Profile) -> Iterator[Block]:
    yield Paragraph(text=belief.belief, tone="claim")
    wrong = [f"{answer or 'nothing at all'} to {name}" for name, answer, is_wrong in belief.says if is_wrong]
    yield Paragraph(text=f"Someone who believes this answers {', '.join(wrong)}: yes?")
    turn = belief.confront
    yield from (block for block in offline.word(turn, nobody) if isinstance(block, Paragraph | Lines))


def _answers(course: Course, insight: Insight, trusted: bool) -> LockedInsight:
    """Return an insight's answers from the lock, or computed here where that does not hold them."""
    lock = held_lock(course)
    if insight.id not in stale(course, lock):
        return lock.insights[insight.id]
    answers, errors = compute_answers(course, [insight], trusted=trusted)
    if errors:
        raise errors[0]
    return LockedInsight(id=insight.id, hash="", anchor_hash="", questions=answers[insight.id])


def _alone(course: Course, insight: Insight, locked: LockedInsight) -> Teachable:
    """Return a course of this one insight, so that a mistake in another page is no obstacle."""
    alone = replace(course, order=(insight.id,), goals={}, insights={insight.id: replace(insight, needs=())})
    return Teachable(course=alone, lock=Lock(course=course.id, insights={insight.id: locked}))


def _open(name: str, question: LockedQuestion) -> OpenAsk:
    options = options_of(question, question.id) if question.kind == "choice" else ()
    return OpenAsk(
        ask_id=question.id, insight=name, question=question.id, hash="", asked="", holdout=question.holdout,
        options=options,
    )  # fmt: skip


def _turn(taught: Teachable, plan: Plan, ask: OpenAsk | None = None) -> Turn:
    return render(LessonState(plan=plan, ask=ask), taught, "preview", _NEVER)


def _question(taught: Teachable, name: str, question: LockedQuestion) -> PreviewedQuestion:
    ask = _open(name, question)
    rungs = () if question.holdout else range(1, RUNGS + 1)
    return PreviewedQuestion(
        id=question.id,
        ask=render_ask(ask, taught),
        answer=show(question.key),
        hints=tuple(hint_text(ask, rung, taught) for rung in rungs),
        parallel=question.parallel,
    )


def _belief(taught: Teachable, name: str, belief: Misconception) -> PreviewedBelief:
    questions = taught.questions(name)
    says: list[tuple[str, str, bool]] = []
    for question in questions.values():
        if not question.parallel:
            answer = question.answers[belief.id]
            says.append((question.id, "" if isinstance(answer, Fault) else show(answer), belief.id in question.shows))
    plan = Plan(move="confront", insight=name, question=belief.counter, belief=belief.id)
    return PreviewedBelief(
        id=belief.id,
        belief=belief.belief,
        counter=belief.counter,
        says=tuple(says),
        confront=_turn(taught, plan, _open(name, questions[belief.counter])),
    )
