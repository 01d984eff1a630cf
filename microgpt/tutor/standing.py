"""Where a learner stands with a course: what is mastered and by what evidence, which mistakes recur, what comes next.

Read from what is derived from the record, so that it costs the same however long that is, and nothing is written.
`tools.LessonTools.progress` is the short form, for an agent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from microgpt.errors import ConfigError
from microgpt.insights.course import Course, find_course, load_course, plan
from microgpt.learner.evidence import Json
from microgpt.learner.mistakes import Heard, Mistake
from microgpt.learner.store import LessonRow, Store
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState, Status


@dataclass(frozen=True, kw_only=True)
class InsightStanding:
    """Where a learner stands with one insight.

    Args:
        status: ``shown`` by a right answer in placement, to it or to what is built on it.
        probability: of having it, from 0 to 1.
        witnessed, reported: answers that count, by whether we heard them ourselves.
        wrong: how many of these were.
        due: when it is to be reviewed (UTC); None before it is known.
    """

    insight: str
    claim: str
    status: Status
    probability: float
    witnessed: int
    reported: int
    wrong: int
    due: datetime | None

    @property
    def known(self) -> bool:
        return self.status in ("mastered", "shown")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a learner stands with a course.

    Args:
        where: how to find the course: a bundled id, or an absolute path.
        insights: of the learner's goal, in the order of the plan.
        mistakes: see `Store.mistakes`.
        next: insights that are not known, and need nothing that is not.
        now: when this was asked, UTC.
    """

    learner: str
    lesson: str
    course: Course
    where: str
    goal: str
    insights: tuple[InsightStanding, ...]
    mistakes: tuple[Mistake, ...]
    next: tuple[str, ...]
    now: datetime

    @property
    def known(self) -> int:
        return sum(insight.known for insight in self.insights)

    @property
    def due(self) -> tuple[InsightStanding, ...]:
        """What is to be reviewed, now or later, the first one first."""
        dated = [(insight.due, insight) for insight in self.insights if insight.due]
        return tuple(insight for _, insight in sorted(dated, key=lambda pair: pair[0]))

    @property
    def due_now(self) -> int:
        return sum(insight.due is not None and insight.due <= self.now for insight in self.insights)

    def belief(self, mistake: Mistake) -> str:
        """Return what somebody believes who makes this mistake; its id, where the course has dropped it."""
        insight = self.course.insights.get(mistake.insight)
        beliefs = {belief.id: belief.belief for belief in insight.misconceptions} if insight else {}
        return beliefs.get(mistake.misconception, mistake.misconception)

    def to_json(self) -> dict[str, Json]:
        return {
            "format": "microgpt/standing/1",
            "learner": self.learner,
            "lesson": self.lesson,
            "course": self.course.id,
            "goal": self.goal,
            "known": self.known,
            "of": len(self.insights),
            "due_now": self.due_now,
            "insights": [_insight_json(insight) for insight in self.insights],
            "mistakes": [self._mistake_json(mistake) for mistake in self.mistakes],
            "next": list(self.next),
        }

    def _mistake_json(self, mistake: Mistake) -> dict[str, Json]:
        return {
            "insight": mistake.insight,
            "misconception": mistake.misconception,
            "belief": self.belief(mistake),
            "recurs": mistake.recurs,
            "signs": mistake.signs,
            "ruled_out": mistake.ruled_out,
            "latest": [
                {
                    "id": answer.id,
                    "time": answer.time.isoformat(),
                    "quote": answer.quote,
                    "witnessed": answer.witnessed,
                    "fits": len(answer.misconceptions),
                }
                for answer in mistake.latest
            ],
        }


def read_standing(store: Store, learner: str, course: str, *, now: datetime) -> Standing | None:
    """Return where a learner stands; None for one who has no lesson yet.

    Args:
        course: an id, or a folder; empty for the course that was learned last.

    Raises:
        ConfigError: the learner has lessons, but none in this course.
        CourseError: the course cannot be found or read.
    """
    rows = {row.course: row for row in store.lessons(learner)}
    if not rows:
        return None
    if not course:
        return _standing(store, max(rows.values(), key=lambda row: row.last), now)
    if course not in rows:
        id = load_course(find_course(course)).id
        if id not in rows:
            learned = ", ".join(rows)
            raise ConfigError(f"{learner!r} has no lesson in {id!r}, but in: {learned}. Try: microgpt tutor {course}")
        course = id
    return _standing(store, rows[course], now)


def known_insights(store: Store, learner: str, course: Course) -> frozenset[str]:
    """Return the insights of a course that a learner needs no teaching of."""
    states = [_state(store, row) for row in store.lessons(learner) if row.course == course.id]
    return frozenset(name for state in states for name, insight in state.insights.items() if insight.known)


def _standing(store: Store, row: LessonRow, now: datetime) -> Standing:
    state = _state(store, row)
    course = load_course(find_course(state.where))
    path = plan(course, state.goal)
    known = {name for name in course.insights if state.insight(name).known}
    return Standing(
        learner=row.learner,
        lesson=row.id,
        course=course,
        where=state.where,
        goal=state.goal,
        insights=_insights(course, path, state, store.heard(row.id)),
        mistakes=tuple(store.mistakes(row.id)),
        next=tuple(name for name in path if name not in known and known.issuperset(course.insights[name].needs)),
        now=now,
    )


def _state(store: Store, row: LessonRow) -> LessonState:
    return current_state(store, row.id, *store.snapshot(row.id))


def _insights(
    course: Course, path: Sequence[str], state: LessonState, heard: Mapping[str, Heard]
) -> tuple[InsightStanding, ...]:
    return tuple(
        InsightStanding(
            insight=name,
            claim=course.insights[name].claim,
            status=insight.status,
            probability=insight.knowledge.p,
            witnessed=counts.witnessed,
            reported=counts.reported,
            wrong=counts.wrong,
            due=datetime.fromisoformat(str(insight.card["due"])) if insight.card else None,
        )
        for name, insight, counts in ((name, state.insight(name), heard.get(name, Heard())) for name in path)
    )


def _insight_json(insight: InsightStanding) -> dict[str, Json]:
    return {
        "insight": insight.insight,
        "claim": insight.claim,
        "status": insight.status,
        "probability": round(insight.probability, 3),
        "witnessed": insight.witnessed,
        "reported": insight.reported,
        "wrong": insight.wrong,
        "due": insight.due.isoformat() if insight.due else "",
    }
