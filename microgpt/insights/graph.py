"""A course as a picture: which insight needs which, as Mermaid for a page that draws it, or as an SVG drawn here.

An arrow that a longer way makes anyway is left out: who needs c, which needs b, needs b too.
"""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from xml.sax.saxutils import escape

from microgpt.insights.course import Course, plan

_WIDTH, _HEIGHT = 152, 44  # of a box, in pixels
_GAP_X, _GAP_Y = 16, 40
_CHARS = 21  # of a line in a box

_STYLE = """
  svg { background: #fff } text { font: 12px sans-serif; fill: #222; text-anchor: middle }
  rect { fill: #fff; stroke: #0072B2; stroke-width: 1.5 } path { fill: none; stroke: #999 }
"""


def needed(course: Course, goal: str = "") -> dict[str, tuple[str, ...]]:
    """Return, for each insight of a goal in the order of its plan, those that it needs and nothing else brings.

    Raises:
        CourseError: the course has no such goal.
    """
    below: dict[str, frozenset[str]] = {}
    direct: dict[str, tuple[str, ...]] = {}
    for name in plan(course, goal):
        needs = course.insights[name].needs
        brought = frozenset[str]().union(*(below[need] for need in needs))
        below[name] = brought | set(needs)
        direct[name] = tuple(need for need in dict.fromkeys(needs) if need not in brought)
    return direct


def to_mermaid(course: Course, goal: str = "") -> str:
    """Return the graph in Mermaid's language, a node and an arrow a line."""
    direct = needed(course, goal)
    nodes = [f'  {_node(name)}["{name}"]' for name in direct]
    arrows = [f"  {_node(need)} --> {_node(name)}" for name, needs in direct.items() for need in needs]
    return "\n".join(["graph TD", *nodes, *arrows]) + "\n"


def _node(name: str) -> str:
    return name.replace("-", "_") + "_"  # a bare `end` would be a keyword


def to_svg(course: Course, goal: str = "") -> str:
    """Return the graph as an SVG: each insight stands below all that it needs, and says its claim when pointed at."""
    direct = needed(course, goal)
    places = _places(direct)
    columns = max((x for x, _ in places.values()), default=0) + 1
    rows = max((y for _, y in places.values()), default=0) + 1
    width, height = columns * (_WIDTH + _GAP_X) + _GAP_X, rows * (_HEIGHT + _GAP_Y) + _GAP_X
    arrows = [_arrow(places[need], places[name]) for name, needs in direct.items() for need in needs]
    boxes = [_box(name, course.insights[name].claim, places[name]) for name in direct]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(course.title)}: what needs what</title><style>{_STYLE}</style>",
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


def _places(direct: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[float, int]]:
    """Return the column and row of every insight: a row lower than the lowest that it needs, near their middle."""
    rows: dict[str, int] = {}
    for name, needs in direct.items():
        rows[name] = max((rows[need] + 1 for need in needs), default=0)
    levels = [
        [name for name, row in rows.items() if row == level] for level in range(max(rows.values(), default=-1) + 1)
    ]
    widest = max(map(len, levels), default=0)
    places: dict[str, tuple[float, int]] = {}
    for row, names in enumerate(levels):
        names.sort(key=lambda name: _middle([places[need][0] for need in direct[name]]))  # fewer arrows cross so
        left = (widest - len(names)) / 2
        places |= {name: (left + i, row) for i, name in enumerate(names)}
    return places


def _middle(columns: list[float]) -> float:
    return sum(columns) / len(columns) if columns else 0.0


def _corner(place: tuple[float, int]) -> tuple[float, float]:
    return _GAP_X + place[0] * (_WIDTH + _GAP_X), _GAP_X + place[1] * (_HEIGHT + _GAP_Y)


def _arrow(start: tuple[float, int], end: tuple[float, int]) -> str:
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    x1, x2, y1 = x1 + _WIDTH / 2, x2 + _WIDTH / 2, y1 + _HEIGHT
    return f'<path d="M {x1:g} {y1:g} C {x1:g} {y1 + _GAP_Y:g}, {x2:g} {y2 - _GAP_Y:g}, {x2:g} {y2:g}"/>'


def _box(name: str, claim: str, place: tuple[float, int]) -> str:
    x, y = _corner(place)
    return (
        f'<g><title>{escape(claim)}</title><rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f"{''.join(_lines(name, x + _WIDTH / 2, y + _HEIGHT / 2))}</g>"
    )


def _lines(name: str, x: float, y: float) -> Iterator[str]:
    lines = wrap(name.replace("-", " "), _CHARS)
    for i, line in enumerate(lines):
        yield f'<text x="{x:g}" y="{y + 4 + 14 * (i - (len(lines) - 1) / 2):g}">{escape(line)}</text>'
