"""A proposed page lacks words and nothing else: with any words in their place, lint has nothing to say."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from microgpt.errors import CourseError
from microgpt.insights import answers
from microgpt.insights.course import read_course
from microgpt.insights.draft import Draft, begin_course, draft_insight
from microgpt.insights.insight import parse_insight
from microgpt.insights.lint import lint_course
from microgpt.sandbox import Job, Limits, Outcome

SOURCE = '''
def share_out(sweets, children):
    return sweets // children


def matmul(a: list[list[float]], b: list[list[float]]):
    return [[sum(x * y for x, y in zip(r, c)) for c in zip(*b)] for r in a]


def clamp(x: float, *, low: float, high: float) -> float:
    """
    >>> clamp(5, low=0, high=3)
    3
    """
    return max(low, min(high, x))


def shout(word: str) -> str:
    return word + word[0]


def running_mean(numbers):
    """
    >>> running_mean([1, 3, 5])
    [1.0, 2.0, 3.0]
    """
    out = []
    total = 0
    for i, x in enumerate(numbers, 1):
        total += x
        out.append(total / i)
    return out


def constant():
    return 3 + 4


def same(x):
    return x


def picky(x):
    return x.price + 1


def coin(x: int):
    return x % 2


def is_even(x: int) -> bool:
    return x % 2 == 0


def halvings(x: int) -> int:
    """
    >>> halvings(20)
    12
    """
    steps = 0
    while x > 1:
        x = x // 2
        steps = steps + 3
    return steps
'''


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    (tmp_path / "things.py").write_text(SOURCE)
    return tmp_path


def drafted(folder: Path, function: str) -> Draft:
    (folder / "course.yaml").write_text(begin_course(folder, function))
    draft = draft_insight(read_course(folder)[0], function)
    (folder / f"{draft.id}.md").write_text(draft.text)
    return draft


@pytest.mark.parametrize(
    "function",
    [
        "shout",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("share_out", "clamp", "matmul", "running_mean")),
    ],
)
def test_a_proposed_page_waits_for_words_and_for_nothing_else(begun: Path, function: str) -> None:
    draft = drafted(begun, function)
    before = lint_course(begun)
    assert {finding.rule for finding in before.findings} - {"few-parallels"} == {"placeholder"}
    assert all(finding.remedy.startswith("Try") for finding in before.findings)
    page = begun / f"{draft.id}.md"
    page.write_text(re.sub(r'"?TODO.*', "Some words.", draft.text))
    after = lint_course(begun)
    assert {finding.rule for finding in after.findings} <= {"few-parallels", "one-key"}, after.to_text()


@pytest.mark.slow
def test_each_belief_asks_who_gives_that_answer(begun: Path) -> None:
    draft = drafted(begun, "share_out")
    insight = parse_insight(draft.text, "f.md")
    for belief in insight.misconceptions:
        asked = next(q for q in insight.questions if q.id == belief.counter).inputs
        sweets, children = asked["sweets"], asked["children"]
        assert isinstance(sweets, int)
        assert isinstance(children, int)
        namespace: dict[str, object] = {"sweets": sweets, "children": children}
        wrong = eval(belief.mutant.split("+ return ")[1], namespace)
        said = re.search(r"who says (\S+) where (\S+) is right", belief.belief)
        assert said is not None
        assert float(said[1]) == pytest.approx(wrong, rel=1e-4)
        assert float(said[2]) == sweets // children


@pytest.mark.slow
def test_what_never_ends_is_found_out_on_one_input_and_left_out(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``x = x`` runs for ever, and ``x = x // 1`` does: each costs a second, so it is asked once."""
    timeouts: list[str] = []
    run = answers.run_jobs

    def counted(jobs: Sequence[Job], **limits: object) -> list[Outcome]:
        outcomes = run(jobs, limits=Limits(wall_s=1.0, cpu_s=0.2), **{k: v for k, v in limits.items() if k != "limits"})
        timeouts.extend(job.program.files[0][1] for job, out in zip(jobs, outcomes) if out.kind == "timeout")
        return outcomes

    monkeypatch.setattr(answers, "run_jobs", counted)
    (begun / "course.yaml").write_text(begin_course(begun, "halvings"))
    told: list[str] = []
    draft = draft_insight(read_course(begun)[0], "halvings", tell=told.append)
    assert draft.beliefs
    assert timeouts
    assert len(timeouts) == len(set(timeouts))
    assert told[0] == "Trying inputs on halvings ..."
    assert "edits of halvings, 0 of" in told[1]


@pytest.mark.slow
def test_the_same_function_gets_the_same_page(begun: Path) -> None:
    (begun / "course.yaml").write_text(begin_course(begun, "clamp"))
    course, _ = read_course(begun)
    assert draft_insight(course, "clamp") == draft_insight(course, "clamp")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("constant", "has no inputs"),
        ("same", "no small edit"),
        ("picky", r"no inputs that were guessed .* no attribute 'price'.* Try an example in its docstring"),
        ("is_even", r"no inputs that were guessed .* its answer \w+ is no number.* Try a function that does"),
        pytest.param("coin", "no small edit of 'coin' shows itself", marks=pytest.mark.slow),
        ("share_ou", "Try share_out."),
    ],
)
def test_what_cannot_be_asked_about_says_why_and_what_to_try(begun: Path, function: str, says: str) -> None:
    (begun / "course.yaml").write_text(begin_course(begun, "same"))
    with pytest.raises(CourseError, match=says) as caught:
        draft_insight(read_course(begun)[0], function)
    assert "Try" in str(caught.value)


def test_a_page_that_exists_stays_as_it_is(begun: Path) -> None:
    (begun / "course.yaml").write_text(begin_course(begun, "clamp"))
    (begun / "clamp.md").write_text("mine")
    with pytest.raises(CourseError, match="microgpt insight preview clamp"):
        draft_insight(read_course(begun)[0], "clamp")
    assert (begun / "clamp.md").read_text() == "mine"
    with pytest.raises(CourseError, match="other signs"):
        draft_insight(read_course(begun)[0], "clamp", name="../clamp")
