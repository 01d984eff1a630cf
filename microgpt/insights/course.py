"""A course: a folder of insights, the order they are best taught in, and the code they are about.

    course.yaml     title, audience, subject, order, goals, glossary
    helpers.py      optional wrappers round the subject's functions, visible to questions and mutants
    ID.md           one insight a file (see `insight`)
    course.lock.json   every answer, computed (see `lock`)

Reading a course executes nothing: not its helpers, and not its subject.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from os.path import isdir, isfile  # unlike Path's, they take a name that no file can have
from pathlib import Path

from microgpt.content import content_folder
from microgpt.errors import CourseError
from microgpt.insights.insight import Insight, parse_insight
from microgpt.insights.strict_yaml import Document, brief, nearest, read_yaml
from microgpt.insights.subject import SourceLines, module_path, read_text, symbol_source, tree_text

__all__ = ["Course", "SourceLines", "find_course", "load_course", "plan", "read_course", "symbol_source"]

COURSE_KEYS = ("format", "id", "title", "audience", "subject", "order", "goals", "datasets", "glossary")

_MOST_HINTS = 20


@dataclass(frozen=True, kw_only=True)
class Course:
    """All that a course's files say.

    Args:
        subject: a dotted module, a file of the folder such as ``bubble.py``, or empty.
        order: ids in the order that they are best taught in, other things being equal.
        goals: what a learner may aim for, and the insights it takes.
        datasets: texts to take examples from.
        glossary: a word and what it means here.
        insights: by id, in `order`.
        helpers: the source of ``helpers.py``, or empty.
        subject_path, subject_source: where the subject's source is, and what it says; None and empty without code.
    """

    id: str
    title: str
    audience: str
    subject: str
    order: tuple[str, ...]
    goals: Mapping[str, tuple[str, ...]]
    datasets: tuple[str, ...]
    glossary: Mapping[str, str]
    insights: Mapping[str, Insight]
    folder: Path
    helpers: str
    subject_path: Path | None
    subject_source: str


def find_course(name_or_path: str) -> Path:
    """Return the folder of a course, given itself or the id of a bundled one.

    Raises:
        CourseError: there is neither.
    """
    folder = Path(name_or_path)
    if isfile(folder / "course.yaml"):
        return folder
    bundled = content_folder("curriculum")
    names = sorted(path.parent.name for path in bundled.glob("*/course.yaml"))
    if name_or_path in names:
        return bundled / name_or_path
    if isdir(folder):
        raise CourseError("this folder has no course.yaml. Try a folder that has one.", path=name_or_path)
    if isfile(folder):
        raise CourseError(f"a course is a folder, and this is a file. Try {folder.parent}", path=name_or_path)
    known = nearest(name_or_path, names) if names else "Try the path of a folder with a course.yaml."
    raise CourseError(brief(f"no course {name_or_path!r}: it is no folder and no bundled course. {known}"))


def load_course(folder: Path) -> Course:
    """Read a course that is to be taught.

    Raises:
        CourseError: the first thing that is wrong with its files.
    """
    course, errors = read_course(folder)
    if errors:
        raise errors[0]
    return course


def read_course(folder: Path) -> tuple[Course, tuple[CourseError, ...]]:
    """Read as much of a course as can be read, and everything that is wrong with the rest.

    Returns:
        The course without the insights that could not be read, and the errors, in the order of the files.

    Raises:
        CourseError: ``course.yaml``, the subject or the helpers cannot be read, so there is nothing to teach.
    """
    shown = str(folder / "course.yaml")
    doc = read_yaml(read_text(folder / "course.yaml", shown), path=shown)
    _check_course_keys(doc)
    subject_path, subject_source = _read_subject(doc, folder)
    helpers = _read_helpers(folder)
    insights, broken, errors = _read_insights(folder)
    order = doc.texts("order")
    goals = {name: doc.texts(f"goals.{name}") for name in _section(doc, "goals")}
    course = Course(
        id=doc.text("id"),
        title=doc.text("title"),
        audience=doc.text("audience", ""),
        subject=doc.text("subject", ""),
        order=order,
        goals=goals,
        datasets=doc.texts("datasets"),
        glossary={word: doc.text(f"glossary.{word}") for word in _section(doc, "glossary")},
        insights={name: insights[name] for name in order if name in insights},
        folder=folder,
        helpers=helpers,
        subject_path=subject_path,
        subject_source=subject_source,
    )
    graph_errors = (*_order_errors(doc, course, insights, broken), *_needs_errors(insights, broken))
    return course, (*errors, *graph_errors)


def plan(course: Course, goal: str = "") -> tuple[str, ...]:
    """Return the insights that a goal takes, each after those it needs, else in the course's order.

    Args:
        goal: one of ``course.goals``; empty for the whole course.

    Raises:
        CourseError: the course has no such goal.
    """
    if goal and goal not in course.goals:
        hint = nearest(goal, course.goals) if course.goals else "Try it without a goal."
        raise CourseError(f"{course.id!r} has no goal {goal!r}. {hint}")
    wanted = set(course.goals[goal]) if goal else set(course.insights)
    stack = list(wanted)
    while stack:
        new = set(course.insights[stack.pop()].needs) - wanted
        wanted |= new
        stack += new
    return _sorted_by_needs([name for name in course.order if name in wanted], course.insights)


def _sorted_by_needs(names: Sequence[str], insights: Mapping[str, Insight]) -> tuple[str, ...]:
    """Take, again and again, the first one whose needs are all taken; those on a cycle never are (Kahn 1962)."""
    place = {name: i for i, name in enumerate(names)}
    missing = {name: sum(need in place for need in insights[name].needs) for name in names}
    needed_by: dict[str, list[str]] = {}
    for name in names:
        for need in insights[name].needs:
            needed_by.setdefault(need, []).append(name)
    ready = [place[name] for name in names if not missing[name]]  # in order, so it is a heap
    done: list[str] = []
    while ready:
        done.append(names[heappop(ready)])
        for name in needed_by.get(done[-1], []):
            missing[name] -= 1
            if not missing[name]:
                heappush(ready, place[name])
    return tuple(done)


def _check_course_keys(doc: Document) -> None:
    for name in doc.data:
        if name not in COURSE_KEYS:
            raise doc.error(name, f"unknown key {name!r}. {nearest(name, COURSE_KEYS)}")
    if doc.data.get("format") != 1:
        raise doc.error("format", f"the format {doc.data.get('format')!r} is not known here. Try  format: 1")


def _section(doc: Document, key: str) -> Mapping[str, object]:
    value = doc.data.get(key, {})
    if not isinstance(value, dict):
        raise doc.error(key, f"{key!r} needs lines of `name: value` below it. Try adding one, indented.")
    for name in value:
        if "." in name:
            raise doc.error(f"{key}.{name}", f"the name {name!r} has a dot in it. Try a hyphen.")
    return value


def _read_subject(doc: Document, folder: Path) -> tuple[Path | None, str]:
    """Find the subject's source: a file of the folder, or a module, which is not imported."""
    subject = doc.text("subject", "")
    if not subject:
        return None, ""
    if subject.endswith(".py"):
        if Path(subject).name != subject:
            raise doc.error("subject", f"{subject!r} is not in the course's folder. Try a file beside course.yaml.")
        path = folder / subject
    else:
        found = module_path(subject)
        if found is None:
            raise doc.error("subject", f"no module {subject!r} with a source file. Try checking the name.")
        path = found
    source = read_text(path, str(path))
    tree_text(source, path=str(path))  # raises where it is no Python
    return path, source


def _read_helpers(folder: Path) -> str:
    path = folder / "helpers.py"
    if not path.exists():
        return ""
    helpers = read_text(path, str(path))
    tree_text(helpers, path=str(path))
    return helpers


def _read_insights(folder: Path) -> tuple[dict[str, Insight], set[str], list[CourseError]]:
    """Return the insights by id, the ids of the files that could not be read, and why."""
    insights: dict[str, Insight] = {}
    broken: set[str] = set()
    errors: list[CourseError] = []
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        try:
            insight = parse_insight(read_text(path, str(path)), str(path))
            if insight.id != path.stem:
                message = f"the id {insight.id!r} is not the file's name. Try  id: {path.stem}"
                raise insight.error("id", message)
            insights[insight.id] = insight
        except CourseError as error:
            broken.add(path.stem)
            errors.append(error)
    return insights, broken, errors


def _order_errors(
    doc: Document, course: Course, insights: Mapping[str, Insight], broken: set[str]
) -> Iterator[CourseError]:
    known = {*insights, *broken}
    if not known:
        yield doc.error("order", "the course has no insight. Try adding my-idea.md beside course.yaml.")
        return
    names_known, told = sorted(known), 0
    lists = {"order": course.order, **{f"goals.{goal}": names for goal, names in course.goals.items()}}
    for key, names in lists.items():
        for i, name in enumerate(names):
            if name not in known:
                yield doc.error(f"{key}.{i}", f"no insight {name!r}. {_hint(name, names_known, told)}")
                told += 1
    in_order = set(course.order)
    for name, insight in insights.items():
        if name not in in_order:
            message = f"{name!r} is unreachable: no lesson gets to it. Try adding it to the order in course.yaml."
            yield insight.error("id", message)


def _needs_errors(insights: Mapping[str, Insight], broken: set[str]) -> Iterator[CourseError]:
    known = {*insights, *broken}
    names_known, told = sorted(known), 0
    for insight in insights.values():
        for need in insight.needs:
            if need not in known:
                message = f"it needs {need!r}, which does not exist. {_hint(need, names_known, told, insight.id)}"
                yield insight.error("needs", message)
                told += 1
    readable = {*_sorted_by_needs(list(insights), insights)}
    circling = [name for name in insights if name not in readable]
    if circling:
        cycle = _cycle(circling[0], insights, set(circling))
        first = insights[cycle[0]]
        message = f"its needs go round in a circle: {' needs '.join([*cycle, cycle[0]])}. Try deleting one of them."
        yield first.error("needs", message)


def _hint(name: str, known: Sequence[str], told: int, itself: str = "") -> str:
    """Return the nearest known name; after many, none: to compare thousands with thousands takes minutes."""
    if told >= _MOST_HINTS:
        return "Try checking the name."
    others = [other for other in known if other != itself]
    return nearest(name, others) if others else "Try deleting it."


def _cycle(start: str, insights: Mapping[str, Insight], circling: set[str]) -> tuple[str, ...]:
    """Follow needs from one insight until one comes again."""
    path = [start]
    while (need := next(n for n in insights[path[-1]].needs if n in circling)) not in path:
        path.append(need)
    return tuple(path[path.index(need) :])
