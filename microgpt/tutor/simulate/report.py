"""What came of a simulation, as JSON and as text. Its first line says what it is not."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from microgpt.learner.evidence import Json
from microgpt.tutor.simulate.assumptions import Assumptions
from microgpt.tutor.simulate.compare import Difference, Row, Swept, by, differences, row
from microgpt.tutor.simulate.school import DELAY, Result, School

NOTE = "This tests machinery, not people: every learner here is simulated."
FORMAT = "microgpt/simulation/1"
_WIDTH = 80  # columns
_LEGEND = (
    "named: of the planted beliefs, those that the record named. mastery, sparing: of",
    "what the record took to be mastered, or placement spared the learner, what was",
    "not known. extra: of the turns that teach, those about what was known already.",
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of it.

    Args:
        course: its id.
        insights: how many are taught; `beliefs`: how many different ones there are to plant.
    """

    school: School
    course: str
    insights: int
    beliefs: int
    results: Sequence[Result]
    swept: Sequence[Swept] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row(name, results) for name, results in by(self.results, "teacher").items())

    @property
    def differences(self) -> tuple[Difference, ...]:
        return differences(self.results)

    @property
    def kinds(self) -> Mapping[str, tuple[Row, ...]]:
        """A row for each teacher, by kind of learner."""
        kinds = by(self.results, "kind").items()
        return {kind: tuple(row(name, some) for name, some in by(all_, "teacher").items()) for kind, all_ in kinds}

    @property
    def lessons(self) -> int:
        """How many learners were taught by a teacher, the swept ones included."""
        return len(self.results) + sum(self.school.learners * (len(each.differences) + 1) for each in self.swept)

    def to_json(self) -> dict[str, Json]:
        school = self.school
        return {
            "format": FORMAT,
            "note": NOTE,
            "course": self.course,
            "goal": school.goal,
            "insights": self.insights,
            "beliefs": self.beliefs,
            "learners": school.learners,
            "seed": school.seed,
            "assumptions": asdict(school.assumptions),
            "teachers": [asdict(each) for each in self.rows],
            "differences": [each.to_json() for each in self.differences],
            "kinds": {kind: [asdict(each) for each in rows] for kind, rows in self.kinds.items()},
            "swept": [
                {"assumption": each.name, "value": each.value, "differences": [d.to_json() for d in each.differences]}
                for each in self.swept
            ],
        }

    def to_text(self) -> str:
        school, first = self.school, self.rows[0].name
        planted = min(self.beliefs, (school.learners + 1) // 2)
        goal = f", goal {school.goal}" if school.goal else ""
        parts = [
            [NOTE],
            [
                f"The course {self.course}{goal}: {self.insights} insights, {self.beliefs} beliefs against them.",
                f"{school.learners} learners, seed {school.seed}; {planted} of the beliefs are planted.",
                *_changed(school.assumptions),
            ],
            [
                f"The score on held-out questions before, right after, and {DELAY} days later:",
                *_teachers(self.rows),
                *_LEGEND,
            ],
            [f"{first} less the others, {DELAY} days later, paired:", *_differences(self.differences)],
            [f"The score {DELAY} days later, by kind of learner:", *_kinds(self.kinds)],
            ["Turns a learner:", *_moves(self.rows)],
        ]
        if self.swept:
            parts.append(
                [
                    f"{first} less the others, one assumption changed. * is not above zero:",
                    *_sweep(self.swept),
                ]
            )
        return "\n\n".join("\n".join(part) for part in parts)


def _changed(assumptions: Assumptions) -> list[str]:
    usual = asdict(Assumptions())
    changed = [f"{name}={value:g}" for name, value in asdict(assumptions).items() if value != usual[name]]
    return [f"Changed: {', '.join(changed)}."] if changed else []


def _teachers(rows: Sequence[Row]) -> list[str]:
    cells = [
        [
            each.name,
            *(f"{score:.3f}" for score in (each.before, each.after, each.later)),
            f"{each.minutes:.0f}",
            *map(_percent, (each.named, each.false_mastery, each.false_sparing, each.needless)),
            str(each.dead_ends),
        ]
        for each in rows
    ]
    head = ["", "before", "after", "later", "min", "named", "mastery", "sparing", "extra", "dead"]
    return _table([head, *cells])


def _differences(all_: Sequence[Difference]) -> list[str]:
    return _table(
        [
            [each.teacher, f"{each.mean:+.3f}", f"[{each.low:+.3f}, {each.high:+.3f}]", each.verdict]
            for each in all_
        ]
    )  # fmt: skip


def _kinds(kinds: Mapping[str, Sequence[Row]]) -> list[str]:
    names = [each.name for each in next(iter(kinds.values()))]
    cells = [[kind, str(rows[0].learners), *(f"{each.later:.3f}" for each in rows)] for kind, rows in kinds.items()]
    return _table([["", "learners", *names], *cells])


def _moves(rows: Sequence[Row]) -> list[str]:
    return [
        line
        for each in rows
        for line in textwrap.wrap(
            f"{each.name}: {', '.join(f'{move} {count:.1f}' for move, count in each.moves.items())}",
            _WIDTH,
            subsequent_indent="    ",
        )
    ]


def _sweep(swept: Sequence[Swept]) -> list[str]:
    names = [each.teacher for each in swept[0].differences]
    cells = [
        [
            f"{each.name} = {each.value:.3g}",
            *(f"{d.mean:+.3f}{' ' if d.verdict == 'beats' else '*'}" for d in each.differences),
        ]
        for each in swept
    ]
    return _table([["", *(f"{name} " for name in names)], *cells])


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    return "100%" if share == 1 else f"{share:.1%}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
