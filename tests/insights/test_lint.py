"""One course in which every insight has one fault of its own: lint must find that one, and no other."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from microgpt.insights import answers
from microgpt.insights.course import load_course
from microgpt.insights.lint import Report, lint_course
from microgpt.insights.lock import make_lock, write_lock

MIDDLE = "+ sorted(numbers)[len(numbers) // 2]"
PAIR = {"call: mean(numbers)": "call: '[mean(numbers), len(numbers)]'"}
WORD = {"call: mean(numbers)": "call: \"'w' + str(int(mean(numbers)))\""}

# name: (rule, the line that the finding points at, what is replaced in the clean text)
FAULTS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "claim-long": ("claim-long", "claim:", {"if all was shared": "if all " + "of it " * 10 + "was shared"}),
    "anchor-missing": ("anchor-missing", "anchor:", {"anchor: mean": "anchor: meen"}),
    "anchor-statement": ("anchor-missing", "anchor:", {"anchor: mean": "anchor: mean.totl"}),
    "anchor-none": ("anchor-missing", "id:", {"anchor: mean\n": ""}),
    "show-missing": ("anchor-missing", "show:", {"anchor: mean": "anchor: mean\nshow: [smooth, meen]"}),
    "no-skip": ("no-skip", "id:", {"skip: Medians.\n": ""}),
    "no-breaks": ("no-breaks", "Put everything", {"## Where it breaks\nNobody may have the mean.\n": ""}),
    "question-fails": ("answers", "three:", {"[1, 2, 9]": "[]"}),
    "diff-mismatch": ("answers", "mutant:", {"- total / len": "- totl / len"}),
    "diff-no-python": ("answers", "mutant:", {MIDDLE: "+ sorted(numbers"}),
    "invisible": ("invisible", "takes-the-middle:", {MIDDLE: "+ 1 * total / len(numbers)"}),
    "twins": ("twins", "forgets-to-share:", {"+ return total\n": MIDDLE.replace("+", "+ return") + "\n"}),
    "holdout-none": ("holdout-blind", "questions:", {"holdout: true": "holdout: false"}),
    "holdout-blind": ("holdout-blind", "takes-the-middle:", {"[3, 4, 4, 13]": "[5, 6, 7]"}),
    "never-alone": (
        "never-alone",
        "takes-the-middle:",
        {
            "[3, 4, 4, 13]": "[77, 78, 78, 87]",
            "+ return total\n": "+ return total if max(numbers) == 87 " + MIDDLE.replace("+", "else") + "\n",
        },
    ),
    "only-crashes": ("never-alone", "takes-the-middle:", {MIDDLE: "+ 1 / 0"}),
    "counter-blind": (
        "counter-blind",
        "counter: four",
        {"[0, 5, 7, 20]": "[0, 5, 8, 19]", "counter: three": "counter: four"},
    ),
    "nearly-right": ("nearly-right", "four:", {"[0, 5, 7, 20]": "[0, 5, 7.992, 19.008]"}),
    "list-in-text": ("key-leaks", "three:", {**PAIR, "Put everything": "It gives (4, 3). Put everything"}),
    "list-in-claim": ("key-leaks", "three:", {**PAIR, "out evenly.": "out evenly, 4 and 3."}),
    "list-in-question": ("key-leaks", "three:", {**PAIR, "7, 20]": "7, 20]\n    ask: What, after [4, 3]?"}),
    "list-in-inputs": ("key-leaks", "three:", {**PAIR, "[0, 5, 7, 20]": "[20, 5, 4, 3]"}),
    "text-in-text": ("key-leaks", "four:", {**WORD, "Nobody may": "W8: nobody may"}),
    "key-in-text": ("key-in-text", "four:", {"Put everything": "Put everything, 8 in all,"}),
    "one-key": ("one-key", "four:", {"[0, 5, 7, 20]": "[0, 1, 2, 13]"}),
    "few-parallels": (
        "few-parallels",
        "questions:",
        {
            "mean(numbers)\n": "mean([int(x) for x in numbers])\n",
            "[1, 2, 9]": "'129'",
            "[0, 5, 7, 20]": "'0489'",
            "[3, 4, 4, 13]": "'1119'",
        },
    ),
    "words-longest": ("key-longest", "town:", {"right: It rises a lot.": "right: It rises a lot, as everybody knows."}),
    "words-echo": ("key-echoes", "town:", {"right: It rises a lot.": "right: The mean moves."}),
    "words-holdout": ("holdout-blind", "questions:", {"holdout: true": "holdout: false"}),
    "format": ("format", "clam:", {"claim:": "clam:"}),
}

LEVELS = "(mean(numbers) >= 3) + (mean(numbers) >= 8) + (mean(numbers) >= 12)"
CLEAN: Mapping[str, Mapping[str, str]] = {
    "clean": {},
    "clean-words": {},
    "clean-choice": {  # the options are read by all, so a key among them may stand anywhere
        "call: mean(numbers)": f"call: \"['low', 'mid', 'high', 'huge'][{LEVELS}]\"\noptions: [low, mid, high, huge]",
        "[3, 4, 4, 13]": "[1, 2, 2, 11]",
        "Put everything": "Put everything, high or mid,",
    },
    "clean-own-inputs": {  # (4, 3) is the answer, and stands in the question itself
        "call: mean(numbers)": "call: '[mean(numbers), 3]'",
        "[1, 2, 9]": "[4, 3, 4.5, 4.5]",
    },
}

WARNINGS = {"no-skip", "no-breaks", "key-in-text", "one-key", "few-parallels"}


def edited(text: str, edits: Mapping[str, str]) -> str:
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, insight_text: str, codeless_text: str) -> Path:
    """The folder of the course of faults, and of one insight as clean as it was."""
    folder = tmp_path_factory.mktemp("faulty")
    source = Path(__file__).parent / "fixtures" / "averages" / "averages.py"
    (folder / "averages.py").write_text(source.read_text())
    for name, edits in {**{name: edits for name, (_, _, edits) in FAULTS.items()}, **CLEAN}.items():
        text = codeless_text if "words" in name else insight_text
        lines = [f"id: {name}" if line.startswith("id: ") else line for line in text.split("\n")]
        (folder / f"{name}.md").write_text(edited("\n".join(lines), edits))
    order = ", ".join([*FAULTS, *CLEAN])
    (folder / "course.yaml").write_text(
        f"format: 1\nid: faulty\ntitle: Faults\nsubject: averages.py\norder: [{order}]\n"
    )
    return folder


@pytest.fixture(scope="module")
def report(faulty: Path) -> Report:
    return lint_course(faulty)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_where_it_is_and_as_nothing_else(name: str, report: Report, faulty: Path) -> None:
    rule, where, _ = FAULTS[name]
    path = faulty / f"{name}.md"
    findings = [finding for finding in report.findings if finding.path == str(path)]
    assert {finding.rule for finding in findings} == {rule}
    assert path.read_text().split("\n")[findings[0].line - 1].strip().startswith(where)
    for finding in findings:
        assert finding.severity == ("warning" if rule in WARNINGS else "error")
        assert finding.message
        assert finding.remedy.startswith("Try")


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_clean_stays_clean_among_all_those_faults(name: str, report: Report, faulty: Path) -> None:
    assert not [finding for finding in report.findings if finding.path == str(faulty / f"{name}.md")]
    assert report.exit_code == 1


def test_a_clean_course_has_no_finding_whether_its_lock_is_missing_or_fresh(folder: Path) -> None:
    missing = lint_course(folder)
    assert (missing.findings, missing.lock, missing.exit_code) == ((), "missing", 0)
    assert (missing.insights, missing.misconceptions, missing.questions) == (3, 6, 8)
    write_lock(make_lock(load_course(folder)), folder)
    fresh = lint_course(folder)
    assert (fresh.findings, fresh.lock, fresh.exit_code) == ((), "fresh", 0)


def test_with_a_fresh_lock_nothing_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(make_lock(load_course(folder)), folder)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was run")

    monkeypatch.setattr(answers, "run_jobs", refuse)
    assert lint_course(folder).exit_code == 0
    (folder / "averages.py").write_text((folder / "averages.py").read_text().replace("0.0", "0"))
    with pytest.raises(AssertionError, match="something was run"):
        lint_course(folder)


def test_a_changed_anchor_only_says_look_again(folder: Path) -> None:
    write_lock(make_lock(load_course(folder)), folder)
    source = (folder / "averages.py").read_text()
    (folder / "averages.py").write_text(
        source.replace("total / len(numbers)", "total / len(numbers) * 1").replace("of all", "of each")
    )
    text = (folder / "a-mean-is-a-fair-share.md").read_text()
    (folder / "a-mean-is-a-fair-share.md").write_text(
        text.replace("- return total / len(numbers)", "- return total / len(numbers) * 1")
    )
    report = lint_course(folder)
    assert [(f.rule, f.severity, f.line) for f in report.findings] == [("anchor-changed", "warning", 4)]
    assert report.lock == "stale"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return smooth(", "return smoth("),
        ("def smoothed", "import nowhere\ndef smoothed"),
        ("def smoothed(", "def smoothed(:"),
    ],
)
def test_one_broken_helper_is_one_error(folder: Path, old: str, new: str) -> None:
    """All the questions of two insights call it, so told naively it would be six."""
    for name, call in [
        ("a-mean-is-a-fair-share", "mean(numbers)"),
        ("smoothing-starts-low", "smoothed(numbers, keep)"),
    ]:
        path = folder / f"{name}.md"
        path.write_text(path.read_text().replace(f"call: {call}", f"call: {call} + 0 * smoothed(numbers, 0.5)"))
    path = folder / "helpers.py"
    path.write_text(path.read_text().replace(old, new))
    report = lint_course(folder)
    assert report.errors == 1, report.to_text()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("needs: [a-mean-is-a-fair-share]", "needs: [a-mean]", "format"),
        ("needs: [a-mean-is-a-fair-share]", "needs: [smoothing-starts-low]", "format"),
    ],
)
def test_needs_that_lead_nowhere_or_round_in_a_circle_are_errors(folder: Path, old: str, new: str, rule: str) -> None:
    path = folder / "smoothing-starts-low.md"
    path.write_text(path.read_text().replace(old, new))
    report = lint_course(folder)
    assert [(f.rule, f.path, f.line) for f in report.findings] == [(rule, str(path), 5)]


def test_a_course_that_cannot_be_read_exits_with_2(tmp_path: Path) -> None:
    report = lint_course(tmp_path)
    assert (report.exit_code, report.unreadable, report.errors) == (2, True, 1)


def test_a_damaged_lock_counts_as_none(folder: Path) -> None:
    (folder / "course.lock.json").write_text("{")
    report = lint_course(folder)
    assert (report.lock, report.exit_code) == ("missing", 0)


def test_the_text_has_the_line_the_severity_and_the_remedy_in_columns(report: Report, faulty: Path) -> None:
    text = report.to_text().split("\n")
    start = text.index(str(faulty / "counter-blind.md"))
    assert text[start + 1].startswith("  21  error    the counter 'four' does not show 'takes-the-middle' to be wrong")
    assert "               Try three." in text[start + 2 : start + 4]
    assert all(len(line) <= 80 for line in text if not line.startswith("/"))
    assert text[-1].endswith("errors, 5 warnings.")


def test_the_json_names_every_finding(report: Report) -> None:
    data = report.to_json()
    assert data["format"] == "microgpt/lint/1"
    assert data["errors"] == report.errors
    found = data["findings"]
    assert isinstance(found, list)
    assert len(found) == len(report.findings)
    assert set(found[0]) == {"path", "line", "severity", "rule", "message", "remedy"}
