"""Which question to ask about an insight.

Never the one just asked. While the last answers leave a misconception possible, the question is one that it answers
wrongly, and that parts it from the others.
"""

import hashlib
from collections.abc import Iterable

from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.tutor.view import View

Order = tuple[int, int, int, bool, str]


def question_about(view: View, name: str, *, open_minded: bool = False) -> str:
    """Return the question to ask about an insight.

    While a belief explains the last wrong answer, one that this belief answers wrongly, if there is any. Of those, one
    not asked yet, or else the one asked longest ago; then the one that tells most about the beliefs that no right
    answer has ruled out; then the educator's own before a generated one.

    Args:
        open_minded: about all beliefs, since nothing is known yet of which are possible.
    """
    insight = view.insight(name)
    possible = () if open_minded else insight.possible
    refuted = () if open_minded else insight.refuted
    candidates = view.fresh(name) or _all_but_holdouts(view, name)
    telling = [question for question in candidates if not {*possible}.isdisjoint(question.shows)]

    def order(question: LockedQuestion) -> Order:
        return _order(view, name, question, possible or {*question.shows} - {*refuted})

    return min(telling or candidates, key=order).id


def settling_questions(view: View, name: str) -> list[LockedQuestion]:
    """Return the questions to which a right answer is enough to spare the learner an insight.

    They are open, since a pick may be lucky, and no belief against the insight answers them rightly.
    """
    beliefs = view.beliefs(name)
    return [question for question in view.fresh(name) if question.kind != "choice" and beliefs <= {*question.shows}]


def settling_question(view: View, name: str) -> str:
    """Return the one of them to ask; there has to be one."""
    beliefs = view.beliefs(name)
    return min(settling_questions(view, name), key=lambda question: _order(view, name, question, beliefs)).id


def counter_example(view: View, name: str) -> tuple[str, str] | None:
    """Return a belief that fits the last wrong answer, and a question that shows it to be wrong.

    The educator's counter-example if it was not just asked, else another one on which the belief fails.
    """
    insight = view.insight(name)
    questions = view.taught.questions(name)
    for belief in view.taught.course.insights[name].misconceptions:
        if belief.id not in insight.possible or belief.id in insight.confronted:
            continue
        if belief.counter not in insight.asked and belief.id in questions[belief.counter].shows:
            return belief.id, belief.counter
        others = [q for q in _all_but_holdouts(view, name) if belief.id in q.shows and q.id not in insight.asked]
        if others:
            return belief.id, min(others, key=lambda question: _shuffled(view, name, question.id)).id
    return None


def holdout(view: View, name: str) -> str:
    """Return the question that is kept for measuring an insight; empty for none."""
    questions = view.taught.questions(name).values()
    return next((question.id for question in questions if question.holdout), "")


def _all_but_holdouts(view: View, name: str) -> list[LockedQuestion]:
    return [question for question in view.taught.questions(name).values() if not question.holdout]


def _order(view: View, name: str, question: LockedQuestion, beliefs: Iterable[str]) -> Order:
    """Return a sort key: the first is the one to ask, to tell about these beliefs."""
    asked = view.insight(name).asked
    since = asked.index(question.id) if question.id in asked else -1
    groups, shown = _tells(question, beliefs)
    return since, -groups, -shown, question.parallel, _shuffled(view, name, question.id)


def _tells(question: LockedQuestion, beliefs: Iterable[str]) -> tuple[int, int]:
    """Return into how many groups a question's answers part the beliefs, and how many of these would be wrong.

    A belief without an answer to it can't be told by one.
    """
    answers = {belief: question.answers[belief] for belief in beliefs if belief in question.answers}
    given = {belief: repr(answer) for belief, answer in answers.items() if not isinstance(answer, Fault)}
    return len(set(given.values())), sum(belief in question.shows for belief in given)


def _shuffled(view: View, *names: str) -> str:
    """Return a sort key that is random over lessons and fixed within one."""
    return hashlib.sha256("/".join((view.state.learner, *names)).encode()).hexdigest()
