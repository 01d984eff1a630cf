"""Parallel questions: the educator's, with other numbers, kept only where a misconception gives itself away.

Seeded by the insight's id, so that the same course gets the same questions on every machine.
"""

import random
from collections.abc import Iterator, Mapping, Sequence

from microgpt.insights.grading import same
from microgpt.insights.insight import Insight, Question
from microgpt.insights.locked import LockedQuestion, judge, named_alone
from microgpt.insights.question import is_number, render_value
from microgpt.sandbox import Json

MOST = 8  # parallel questions an insight
TRIED = 24  # candidates an insight; many are no good
_FACTORS = (0.5, 0.75, 1.0, 1.5, 2.0)  # "like size"


def candidates(insight: Insight, count: int = TRIED) -> list[tuple[Question, Mapping[str, Json]]]:
    """Return new inputs of the shapes of the authored ones, each with the question that it varies.

    Numbers get other few-digit values of like size; whole numbers stay whole, lists keep their length, texts come from
    those that the educator wrote. A sign changes only where the educator used both. Inputs to `keep` stay as they are.
    """
    rng = random.Random(insight.id)
    templates = [q for q in insight.questions if not q.holdout and (q.call or insight.call)]
    seen = [dict(q.inputs) for q in insight.questions]
    pools = _pools(insight)
    found: list[tuple[Question, Mapping[str, Json]]] = []
    for i in range(2 * count if templates else 0):
        template = templates[i % len(templates)]
        inputs = {
            name: value if name in insight.keep else _vary(value, pools[name], rng)
            for name, value in template.inputs.items()
        }
        if inputs not in seen and len(found) < count:
            seen.append(inputs)
            found.append((template, inputs))
    return found


def choose(
    pool: Sequence[LockedQuestion], authored: Sequence[LockedQuestion], within: float
) -> tuple[LockedQuestion, ...]:
    """Choose the questions that show the most, one by one.

    First those with a key not seen before, then those that name a misconception which few others name, then those
    with the shortest key, which are the easiest to work out.
    """
    left = [q for q in pool if _shows_plainly(q, within)]
    keys = [q.key for q in authored]
    named: dict[str, int] = {}
    chosen: list[LockedQuestion] = []
    while left and len(chosen) < MOST:
        best = max(left, key=lambda q: _worth(q, keys, named, within))
        left.remove(best)
        chosen.append(best)
        keys.append(best.key)
        for name in named_alone(best, within):
            named[name] = named.get(name, 0) + 1
    return tuple(chosen)


def _worth(
    question: LockedQuestion, keys: Sequence[Json], named: Mapping[str, int], within: float
) -> tuple[bool, float, int]:
    new_key = not any(same(question.key, key, within) for key in keys)
    rarity = sum(1 / (1 + named.get(name, 0)) for name in named_alone(question, within))
    return new_key, rarity, -len(render_value(question.key))


def _shows_plainly(question: LockedQuestion, within: float) -> bool:
    """Whether at least one misconception is wrong here, and none nearly right."""
    verdicts = {judge(answer, question.key, within) for answer in question.answers.values()}
    return "wrong" in verdicts and "near" not in verdicts


def _pools(insight: Insight) -> dict[str, list[Json]]:
    """Return every value that the educator wrote for an input, lists taken apart."""
    pools: dict[str, list[Json]] = {}
    for question in insight.questions:
        for name, value in question.inputs.items():
            pools.setdefault(name, []).extend(_leaves(value))
    return pools


def _leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value


def _vary(value: Json, pool: Sequence[Json], rng: random.Random) -> Json:
    if isinstance(value, list):
        return [_vary(item, pool, rng) for item in value]
    if isinstance(value, dict):
        return {name: _vary(item, pool, rng) for name, item in value.items()}
    if isinstance(value, str):
        return rng.choice([text for text in pool if isinstance(text, str)])
    return _vary_number(value, [x for x in pool if is_number(x)], rng) if is_number(value) else value


def _vary_number(value: int | float, pool: Sequence[int | float], rng: random.Random) -> int | float:
    like = value or rng.choice(pool)  # a zero may become any of the others
    if isinstance(value, int):
        size = abs(round(like))
        new: int | float = rng.randint((size + 1) // 2, 2 * size)
    else:
        new = float(f"{abs(like) * rng.choice(_FACTORS):.{rng.choice((1, 1, 2))}g}")
        if new >= 1 > max(map(abs, pool)):
            new = abs(like)  # a share stays a share
    negative = rng.random() < 0.5 if min(pool) < 0 else like < 0
    return -new if negative and new else new
