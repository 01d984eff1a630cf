"""A simulated learner: what is in its head, and what it therefore says.

It never sees a key. Where it holds a belief it runs that belief's mutant in place of the subject, and where it knows an
idea it runs the subject: both have been run already, and what came out stands in the lock, so that is where it looks.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.insights.practice import Exercise
from microgpt.learner.evidence import Json
from microgpt.tutor.render import show
from microgpt.tutor.simulate.assumptions import Assumptions
from microgpt.tutor.simulate.mind import Trace, forgotten, learned, recalled
from microgpt.tutor.turns import Ask
from microgpt.tutor.view import Teachable

Kind = Literal["planted", "two", "novice", "expert", "guesser", "bluffer", "seeker", "contester", "returner"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DESCRIBED: Mapping[Kind, str] = {
    "planted": "knows what one idea needs, and holds one belief against it; each belief in turn",
    "two": "the same with two ideas",
    "novice": "knows nothing; holds beliefs against some ideas",
    "expert": "knows all of it",
    "guesser": "a novice who answers at random, whatever is known",
    "bluffer": "a novice who talks and says no answer until there are options to choose from",
    "seeker": "a novice who asks for the answer, or for hints until they give it",
    "contester": "a novice who contests every answer that was graded",
    "returner": "a novice who comes back after 30 days",
}
PASS = "I don't know."


class Learner:
    """One who is taught.

    Attributes:
        head: by insight, all that the learner would be taught.
        planted: the beliefs that were put there on purpose, (insight, misconception).
    """

    def __init__(
        self,
        kind: Kind,
        head: Mapping[str, Trace],
        needs: Mapping[str, tuple[str, ...]],
        assumptions: Assumptions,
        rng: random.Random,
        planted: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.kind: Kind = kind
        self.head, self.planted = dict(head), planted
        self._needs, self._assumptions, self._rng = needs, assumptions, rng
        self._bluffs = 0

    def knows(self, insight: str) -> bool:
        return self.head[insight].knows

    def chance(self, probability: float) -> bool:
        """Draw whether something of this probability happens to this learner."""
        return self._rng.random() < probability

    # ---- answering

    def answer(self, insight: str, question: LockedQuestion, ask: Ask, day: float) -> str:
        """Return what the learner says to a question."""
        belief = question.answers.get(self.head[insight].belief)
        if self.kind == "bluffer" and not ask.options:
            self._bluffs += 1
            return "It follows from how the parts work together" + ", of course" * self._bluffs
        if self.kind == "guesser":
            return self._guess(ask, question.shape)
        if belief is not None and not isinstance(belief, Fault):
            return self._slip(belief, ask, question.shape)
        if self._comes_to_mind(insight, day):
            return self._slip(question.key, ask, question.shape)
        if not ask.options and self.chance(self._assumptions.passes):
            return PASS
        if not ask.options and self.chance(self._assumptions.lucky):
            return said(question.key, ask)
        return self._guess(ask, question.shape)

    def practise(self, exercise: Exercise, ask: Ask, day: float) -> str:
        """Return what the learner says to an exercise in the code: a line's number, or an option."""
        if self.kind != "guesser" and self._comes_to_mind(exercise.insight, day):
            key = exercise.key
            return str(key[0]) if isinstance(key, list | tuple) else str(key)
        if ask.options:
            return self._rng.choice(ask.options)
        return str(self._rng.randrange(exercise.start, exercise.start + len(exercise.lines)))

    def wants_it_given(self) -> bool:
        """Draw whether this learner asks for the answer instead of saying one."""
        return self.kind == "seeker" and self.chance(0.5)

    def _slip(self, value: Json, ask: Ask, shape: tuple[int, ...]) -> str:
        words = said(value, ask)
        if not self.chance(self._assumptions.slip):
            return words
        others = [letter for letter in map(_letter, range(len(ask.options))) if letter != words]
        return self._rng.choice(others) if others else self._guess(ask, shape)

    def _guess(self, ask: Ask, shape: tuple[int, ...]) -> str:
        """Return any answer that has the shape asked for."""
        if ask.options:
            return _letter(self._rng.randrange(len(ask.options)))
        return "elsewhere" if ask.kind == "text" else json.dumps(self._numbers(shape))

    def _numbers(self, shape: tuple[int, ...]) -> Json:
        if not shape:
            return self._rng.randrange(-20, 100) / 10
        return [self._numbers(shape[1:]) for _ in range(shape[0])]

    def _comes_to_mind(self, insight: str, day: float) -> bool:
        """Draw whether an idea is recalled; if so it lasts longer, if not it is gone."""
        trace = self.head[insight]
        if not trace.knows:
            return False
        if not self.chance(trace.strength(day)):
            self.head[insight] = forgotten(trace)
            return False
        self.head[insight] = recalled(trace, day, self._assumptions)
        return True

    # ---- learning

    def told(self, insight: str, day: float) -> None:
        """Read an explanation."""
        believes = self.head[insight].belief
        self._learn(insight, self._assumptions.told_believer if believes else self._assumptions.told, day)

    def shown(self, insight: str, day: float) -> None:
        """See a question worked through."""
        believes = self.head[insight].belief
        self._learn(insight, self._assumptions.shown_believer if believes else self._assumptions.shown, day)

    def corrected(self, insight: str, confronted: str, day: float) -> None:
        """Hear that an answer was wrong.

        Args:
            confronted: the belief that this question was to show to be wrong; empty for none.
        """
        countered = confronted and confronted == self.head[insight].belief
        self._learn(insight, self._assumptions.countered if countered else self._assumptions.corrected, day)

    def given(self, insight: str, day: float) -> None:
        """Get the answer without having found it."""
        self._learn(insight, self._assumptions.given, day)

    def recall(self, insight: str, day: float) -> bool:
        """Answer a question in one's mind only, as an oracle sees it."""
        return self._comes_to_mind(insight, day)

    def _learn(self, insight: str, chance: float, day: float) -> None:
        trace = self.head[insight]
        if trace.knows:
            self.head[insight] = replace(trace, at=day)  # reading it again refreshes it
            return
        if not all(self.head[need].knows for need in self._needs[insight]):
            chance *= self._assumptions.unready
        if self.chance(chance):
            self.head[insight] = learned(trace, day, self._assumptions)


def said(value: Json, ask: Ask) -> str:
    """Return an answer as a learner types it: a letter, a text, or numbers."""
    if ask.options:
        return _letter(ask.options.index(show(value)))
    return value if isinstance(value, str) else json.dumps(value)


def _letter(place: int) -> str:
    return chr(ord("a") + place)


def enrol(number: int, seed: int, taught: Teachable, goal: str, assumptions: Assumptions) -> Learner:
    """Return a learner who would be taught all of a goal.

    Args:
        number: which learner; the same number and seed give the same one, whoever teaches.
    """
    path = taught.plan(goal)
    kind, rng = kind_of(number), random.Random(f"{seed}/{number}")
    beliefs = {name: [belief.id for belief in taught.course.insights[name].misconceptions] for name in path}
    pairs = [(name, belief) for name in path for belief in beliefs[name]]
    planted: tuple[tuple[str, str], ...] = ()
    if kind == "planted" and pairs:
        planted = (pairs[number // 2 % len(pairs)],)
    elif kind == "two":
        names = [name for name in path if beliefs[name]]
        planted = tuple((name, rng.choice(beliefs[name])) for name in rng.sample(names, min(2, len(names))))
    known = Trace(knows=True, half_life=assumptions.expert_half_life)
    if kind == "expert":
        head = dict.fromkeys(path, known)
    elif planted:
        head = {name: known for name in path if not dict(planted).keys() & set(taught.ancestors(name))}
        head |= {name: Trace(belief=belief) for name, belief in planted}
    else:
        held = {
            name: rng.choice(beliefs[name]) for name in path if beliefs[name] and rng.random() < assumptions.believes
        }
        head = {name: Trace(belief=belief) for name, belief in held.items()}
    return Learner(
        kind,
        {name: head.get(name, Trace()) for name in path},
        {name: taught.course.insights[name].needs for name in path},
        assumptions,
        random.Random(f"{seed}/{number}/chance"),
        planted,
    )


def kind_of(number: int) -> Kind:
    """Return a learner's kind: every other one has a planted belief, the rest are of the other kinds in turn."""
    others = KINDS[1:]
    return others[number // 2 % len(others)] if number % 2 else "planted"
