"""Whatever a folder holds, reading it ends: with a course, or with errors that name a place and a remedy.

Nothing in a file is run, whatever it says: the subject, the helpers, every call and every mutant would leave a mark.
Several broken files lie in one folder, for they are read one by one, and what surrounds them is made only once.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.course import plan, read_course
from microgpt.insights.graph import to_mermaid
from microgpt.insights.insight import INSIGHT_KEYS, MISCONCEPTION_KEYS, QUESTION_KEYS
from microgpt.insights.page_rules import check_page
from microgpt.insights.translation import check_translations

MOST_CPU_S = 1.0  # seconds of processor time, for a whole folder
CLEAN = (Path(__file__).parent / "fixtures" / "averages" / "a-mean-is-a-fair-share.md").read_text()
CODELESS = (Path(__file__).parent / "fixtures" / "averages" / "one-outlier-is-enough.md").read_text()
YAML = (Path(__file__).parent / "fixtures" / "averages" / "course.yaml").read_text()

NOISE = st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`, \n\t0.~?\\\x00\ud800é—\u2028()+_$"), max_size=40)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), NOISE, st.sampled_from(["a", "b", "q", "m"]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NOISE, inner)), max_leaves=8
)
KEYS = st.sampled_from([*INSIGHT_KEYS, *QUESTION_KEYS, *MISCONCEPTION_KEYS, "numbers", "clam", "a.b", ""])
# Each is the whole of a file, or stands in the place of a piece of one.
BOMBS = st.sampled_from(
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
        "x: " + "[" * 50_000,
        "x: [" + "1," * 120_000 + "]",
        "".join(f"k{i}: 1\n" for i in range(20_000)),
        "? " * 5_000,
        "- " * 50_000,
        "x: !!python/object/apply:os.system [touch executed]\n",
        "claim: " + "word " * 40_000,
        "call: " + "(" * 20_000,
        "call: " + "f(" * 2_000 + ")" * 2_000,
        "call: " + "1+" * 50_000 + "1",
        "id: " + "a-" * 30_000 + "a",
        "needs: [" + ", ".join(f"no-{i}" for i in range(5_000)) + "]",
        "within: " + "9" * 100_000,
        "\x00" * 1_000,
        "---\n" * 20_000,
        "![x](y.svg)" * 10_000,
        "x" * 300_000,
    ]
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """Return a clean file with a piece of it replaced by noise, by another key, or by something that explodes."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 60)))
    piece = draw(st.one_of(NOISE, KEYS, BOMBS, VALUES.map(repr)))
    return (text[:start] + piece + text[end:]).encode("utf-8", "surrogatepass")


@st.composite
def typed_wrongly(draw: st.DrawFn) -> bytes:
    """Return a page whose keys are those of the format and whose values are anything."""
    keys = draw(st.dictionaries(KEYS, VALUES, max_size=6))
    keys |= draw(st.sampled_from([{}, {"questions": {"q": draw(VALUES)}, "misconceptions": {"m": draw(VALUES)}}]))
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", "Text."]).encode("utf-8", "surrogatepass")


PAGES = st.one_of(
    damaged(CLEAN),
    damaged(CODELESS),
    typed_wrongly(),
    BOMBS.map(lambda text: f"---\n{text}\n---\nText.".encode()),
    st.binary(max_size=2_000),
)
NAMES = ("a-mean-is-a-fair-share", "one-outlier-is-enough", "c", "d", "e")  # the first two as in the clean pages
NEEDS = st.lists(st.sampled_from([*NAMES[2:], "nowhere"]), max_size=3)
GERMAN = (
    "claim: Gerecht geteilt.\nmisconceptions:\n  takes-the-middle: {belief: Die Mitte., reply: Wirklich?}\ntext: Ja.\n"
)
COURSE = YAML.replace(YAML[YAML.index("order:") :], f"order: [{', '.join(NAMES)}]\n")


@dataclass(frozen=True)
class Fuzzed:
    """What stands in a folder."""

    files: dict[str, bytes]


Check: TypeAlias = Callable[[Fuzzed], float]


@st.composite
def folders(draw: st.DrawFn) -> Fuzzed:
    """Return a course of pages, clean or not, whose needs may go round in circles; or one that cannot be a course.

    Where `course.yaml` is broken no page is read, so it stands alone then.
    """
    if draw(st.integers(0, 5)) == 0:
        return Fuzzed({"course.yaml": draw(st.one_of(damaged(YAML), PAGES))})
    files = {"course.yaml": COURSE.encode(), f"{NAMES[0]}.de.yaml": draw(st.one_of(damaged(GERMAN), PAGES))}
    for name in NAMES:
        clean = CODELESS.replace("one-outlier-is-enough", draw(st.sampled_from([name, name, "c"])))
        clean = clean.replace("skip:", f"needs: {json.dumps(draw(NEEDS))}\nskip:")
        own = damaged(CLEAN) if name == NAMES[0] else damaged(clean)
        files[f"{name}.md"] = draw(st.one_of(st.just(clean.encode()), own, PAGES))
    return Fuzzed(files)


@pytest.fixture
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Read a folder as lint does before it computes anything, and see that it ends well; return what that took."""
    root = tmp_path_factory.mktemp("fuzz")
    canary = root / "executed"
    trap = f"open({str(canary)!r}, 'w')\n"
    source = (Path(__file__).parent / "fixtures" / "averages" / "averages.py").read_text()

    def read(fuzzed: Fuzzed) -> float:
        folder = root / "course"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        (folder / "averages.py").write_text(trap + source)
        (folder / "helpers.py").write_text(trap)
        for name, content in fuzzed.files.items():
            (folder / name).write_bytes(content.replace(b"executed", str(canary).encode()))
        begun = time.process_time()
        errors = errors_of(folder)
        took = time.process_time() - begun
        for error in errors:
            assert error.path.startswith(str(folder))
            assert "Try" in error.message
            assert len(error.message) < 2_000
            text = fuzzed.files.get(Path(error.path).name, b"").decode("utf-8", "replace")
            assert 0 <= error.line <= len(text.splitlines()) + 2
        assert not canary.exists()
        return took

    return read


def errors_of(folder: Path) -> list[CourseError]:
    """Return everything that is wrong with a folder; whatever is no `CourseError` is a bug of ours."""
    try:
        course, errors = read_course(folder)
    except CourseError as error:
        return [error]
    for insight in course.insights.values():
        list(check_page(course, insight))
    list(check_translations(course))
    if not errors:
        assert set(plan(course)) == set(course.insights)
        to_mermaid(course)
    return list(errors)


HEALTH = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
FILES = 10_000


@settings(max_examples=60, suppress_health_check=HEALTH)
@given(fuzzed=folders())
def test_any_folder_is_read_or_refused_with_a_remedy_and_nothing_in_it_is_run(check: Check, fuzzed: Fuzzed) -> None:
    check(fuzzed)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_files_are_read_or_refused_in_a_second_each_and_nothing_in_them_is_run(check: Check) -> None:
    read = 0

    @settings(max_examples=FILES // 5, suppress_health_check=HEALTH)
    @given(fuzzed=folders())
    def read_one(fuzzed: Fuzzed) -> None:
        nonlocal read
        assert check(fuzzed) < MOST_CPU_S  # the whole folder
        read += len(fuzzed.files) - (len(fuzzed.files) > 1)  # a course.yaml that is not alone is a sound one

    read_one()
    assert read >= FILES
