"""Finding out what need not be taught: a few questions before the first lesson, and one where more is probably known.

The first ones are chosen so that each halves what is unknown: a right answer settles all that an insight needs as well,
a wrong one all that needs it. A course with many ends has more of them than anybody wants to answer before the first
lesson; what they leave open is met with one question on its way, as long as most of what was met was known.
"""

from microgpt.tutor.choosing import settling_questions
from microgpt.tutor.state import InsightState
from microgpt.tutor.view import View


def to_place(view: View) -> str:
    """Return the insight whose question halves best what is unknown; empty when placement is over.

    Once teaching has begun, it is over for good.
    """
    insights = {name: view.insight(name) for name in view.path}
    begun = any(insight.explained or insight.predicted for insight in insights.values())
    if begun or view.state.placements >= view.script.placement or view.state.time_is_up(view.now):
        return ""
    ancestors = {name: set(view.taught.ancestors(name)) for name in view.path}
    failed = {name for name, insight in insights.items() if insight.placed and not insight.known}
    unknown = {
        name for name in view.path
        if not insights[name].placed and not insights[name].known and not ancestors[name] & failed
        and settling_questions(view, name)
    }  # fmt: skip

    def settled(name: str) -> tuple[int, int]:
        below = len(ancestors[name] & unknown)
        above = sum(name in ancestors[other] for other in unknown)
        return min(below, above), below + above

    return max((name for name in view.path if name in unknown), key=settled, default="")


def likely_known(view: View) -> bool:
    """Whether the insight in focus is new, but probably known, since most of those met were; a question can tell."""
    if not view.focus or _met(view.insight(view.focus)) or not settling_questions(view, view.focus):
        return False
    met = [insight for insight in map(view.insight, view.path) if _met(insight)]
    known = [insight for insight in met if insight.known and not insight.explained]  # what was taught tells nothing
    return 2 * len(known) > len(met)


def _met(insight: InsightState) -> bool:
    return insight.placed or insight.explained or insight.predicted
