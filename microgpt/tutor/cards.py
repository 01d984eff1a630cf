"""Which questions a learner may take along with their answers: those whose answer was told, and are not open again."""

from collections.abc import Iterator

from microgpt.insights.locked import LockedQuestion
from microgpt.insights.question import render_inputs
from microgpt.learner.evidence import question_hash
from microgpt.learner.export import Card
from microgpt.learner.store import Store
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import teachable
from microgpt.tutor.view import Teachable

TOLD = ("right", "gave_up")  # the outcomes after which the answer is no secret; a wrong one is to be thought over


def cards_of(store: Store, learner: str) -> list[Card]:
    """Return a card for each question that a learner was told the answer of; none of a holdout."""
    return [card for row in store.lessons(learner) for card in _lesson_cards(store, row.id)]


def _lesson_cards(store: Store, lesson: str) -> Iterator[Card]:
    state = current_state(store, lesson, *store.snapshot(lesson))
    taught = teachable(state.where)
    told = {answer.question_hash for answer in store.answers(lesson) if answer.outcome in TOLD and not answer.exercise}
    told -= {state.ask.hash} if state.ask else set()
    for insight, locked in taught.lock.insights.items():
        for question in locked.questions:
            hash = question_hash(insight, question.call or question.id, question.inputs)
            if hash in told and not question.holdout:
                yield _card(taught, insight, question, hash)


def _card(taught: Teachable, insight: str, question: LockedQuestion, hash: str) -> Card:
    options = "\n".join(f"- {option}" for option in sorted(question.options))
    lines = (render_inputs(question.inputs), question.ask, options)
    return Card(
        guid=hash,
        front="\n".join(line for line in lines if line),
        back=f"{show(question.key)}\n\n{taught.course.insights[insight].claim}",
        deck=taught.course.title,
        tag=insight,
    )
