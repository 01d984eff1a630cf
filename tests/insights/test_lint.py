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

LEVELS = "(mean(numbers) >= 3) + (mean(numbers) >= 8) + (mean(numbers) >= 12)"
SIZES = {
    "call: mean(numbers)": f"call: \"['low', 'mid', 'high', 'huge'][{LEVELS}]\"\noptions: [low, mid, high, huge]",
    "[3, 4, 4, 13]": "[1, 2, 2, 11]",
}
TWO_SIZES = {
    "call: mean(numbers)": "call: \"'low' if mean(numbers) < 8 else 'high'\"\noptions: [low, high]",
    "[3, 4, 4, 13]": "[1, 8, 9, 10]",
    "counter: three\n    reply": "counter: four\n    reply",
    "counter: four\nskip": "counter: three\nskip",
}

# name: (rule, what stands where the finding points, what is replaced in the clean text); a fault that is "words" is
# planted into the page without code, for which nothing has to be run
FAULTS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "words-claim-long": ("claim-long", "claim:", {"moves a mean": "moves " + "and moves " * 10 + "a mean"}),
    "anchor-missing": ("anchor-missing", "anchor:", {"anchor: mean": "anchor: meen"}),
    "anchor-statement": ("anchor-missing", "anchor:", {"anchor: mean": "anchor: mean.totl"}),
    "anchor-none": ("anchor-missing", "id:", {"anchor: mean\n": ""}),
    "show-missing": ("anchor-missing", "meen]", {"anchor: mean": "anchor: mean\nshow: [smooth, meen]"}),
    "words-no-skip": ("no-skip", "id:", {"skip: Robust statistics.\n": ""}),
    "words-no-breaks": (
        "no-breaks",
        "Sharing out",
        {"## Where it breaks\nWith enough others, even a far number fades.\n": ""},
    ),
    "words-few-questions": ("few-questions", "questions:", {"  race:\n": "  race:\n    holdout: true\n"}),
    "words-placeholder-claim": ("placeholder", "claim:", {"One far number": "TODO the one thing. One far number"}),
    "words-placeholder-belief": ("placeholder", "belief:", {"One among": "TODO who says so? One among"}),
    "words-placeholder-text": ("placeholder", "Sharing out", {"Sharing out": "Sharing out TODO"}),
    "words-figure-missing": ("figure", "![one", {"Sharing out": "![one heap](heap.svg)\nSharing out"}),
    "words-figure-elsewhere": ("figure", "![one", {"Sharing out": "![one heap](../faulty/mean.svg)\nSharing out"}),
    "words-figure-long": ("figure", "![one", {"Sharing out": f"![one heap]({'x' * 5_000}.svg)\nSharing out"}),
    "words-figure-mute": ("figure", "![](mean", {"With enough": "![](mean.svg)\nWith enough"}),
    "option-missing": ("answers", "four:", {**SIZES, "[low, mid, high, huge]": "[low, mid, huge]"}),
    "few-options": ("few-options", "three:", TWO_SIZES),
    "question-fails": ("answers", "three:", {"[1, 2, 9]": "[]"}),
    "holdout-fails": ("answers", "last:", {"[3, 4, 4, 13]": "[3, x]"}),  # and not also: no holdout shows anything
    "yours-fails": ("answers", "yours:", {"anchor: mean": "anchor: mean\nyours: mean(yours)"}),
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
    "only-lists": ("never-alone", "takes-the-middle:", {MIDDLE: "+ sorted(numbers)"}),  # where a number is asked for
    "only-no-option": (
        "never-alone",
        "forgets-to-share:",
        {**SIZES, "high, huge]": "high]", "+ return total\n": "+ return total + 99\n"},
    ),
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
    "gives-up": (
        "unanswerable",
        "four:",
        {"call: mean(numbers)": "call: \"'no idea' if mean(numbers) == 8 else 'w' + str(int(mean(numbers)))\""},
    ),
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
    "words-few-options": ("few-options", "town:", {"It becomes the middle income.": "It stays about the same."}),
    "words-holdout": ("holdout-blind", "questions:", {"holdout: true": "holdout: false"}),
    "format": ("format", "clam:", {"claim:": "clam:"}),
}

CLEAN: Mapping[str, Mapping[str, str]] = {
    "clean": {},
    "clean-words": {},
    "clean-choice": {  # the options are read by all, so a key among them may stand anywhere
        **SIZES,
        "Put everything": "Put everything, high or mid,",
    },
    "clean-words-longest-claim": {"moves a mean": "moves " + "and moves " * 7 + "a mean"},
    "clean-words-figure": {"Sharing out": "![one heap](mean.svg)\nSharing out"},
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
    (folder / "mean.svg").touch()
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


def test_where_all_inputs_are_texts_more_room_is_no_remedy(report: Report, faulty: Path) -> None:
    few = {Path(f.path).stem: f.remedy for f in report.findings if f.rule == "few-parallels"}
    assert few
    for name, remedy in few.items():
        texts = "numbers: '" in (faulty / f"{name}.md").read_text()
        assert remedy.startswith("Try more questions: texts" if texts else "Try inputs with more room")
    assert any("texts" in remedy for remedy in few.values())


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_where_it_is_and_as_nothing_else(name: str, report: Report, faulty: Path) -> None:
    rule, where, _ = FAULTS[name]
    path = faulty / f"{name}.md"
    findings = [finding for finding in report.findings if finding.path == str(path)]
    assert {finding.rule for finding in findings} == {rule}
    assert path.read_text().split("\n")[findings[0].line - 1][findings[0].column - 1 :].startswith(where)
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
    assert (missing.insights, missing.misconceptions, missing.questions) == (3, 6, 9)
    write_lock(make_lock(load_course(folder)), folder)
    fresh = lint_course(folder)
    assert (fresh.findings, fresh.lock, fresh.exit_code) == ((), "fresh", 0)


def test_with_a_fresh_lock_nothing_is_run(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was run")

    monkeypatch.setattr(answers, "run_jobs", refuse)
    assert lint_course(locked).exit_code == 0
    (locked / "averages.py").write_text((locked / "averages.py").read_text().replace("0.0", "0"))
    with pytest.raises(AssertionError, match="something was run"):
        lint_course(locked)


def test_a_changed_anchor_only_says_look_again(locked: Path) -> None:
    source = (locked / "averages.py").read_text()
    (locked / "averages.py").write_text(
        source.replace("total / len(numbers)", "total / len(numbers) * 1").replace("of all", "of each")
    )
    text = (locked / "a-mean-is-a-fair-share.md").read_text()
    (locked / "a-mean-is-a-fair-share.md").write_text(
        text.replace("- return total / len(numbers)", "- return total / len(numbers) * 1")
    )
    report = lint_course(locked)
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
def test_needs_that_lead_nowhere_or_round_in_a_circle_are_errors(locked: Path, old: str, new: str, rule: str) -> None:
    path = locked / "smoothing-starts-low.md"
    path.write_text(path.read_text().replace(old, new))
    report = lint_course(locked)
    assert [(f.rule, f.path, f.line) for f in report.findings] == [(rule, str(path), 5)]


def test_an_insight_that_no_lesson_gets_to_is_an_error_in_its_file(locked: Path) -> None:
    path = locked / "course.yaml"
    path.write_text(path.read_text().replace(", one-outlier-is-enough", ""))
    report = lint_course(locked)
    file = str(locked / "one-outlier-is-enough.md")
    assert [(f.rule, f.path, f.line, f.column) for f in report.findings] == [("format", file, 2, 1)]


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
    assert text[start + 1].startswith("   21:5  error    the counter 'four' does not show 'takes-the-middle' to be")
    assert "                  Try three." in text[start + 2 : start + 4]
    assert all(len(line) <= 80 for line in text if not line.startswith("/"))
    assert text[-1].endswith("errors, 5 warnings.")


def test_a_misspelt_anchor_is_told_the_nearest_name(report: Report, faulty: Path) -> None:
    told = {finding.path: finding.remedy for finding in report.findings if finding.rule == "anchor-missing"}
    assert told[str(faulty / "anchor-missing.md")] == "Try mean."
    assert told[str(faulty / "anchor-none.md")] == "Try  anchor: NAME-OF-A-FUNCTION"


@pytest.mark.slow
def test_the_json_says_of_how_many_misconceptions_holds_what_has_to_hold_of_each(folder: Path) -> None:
    assert lint_course(folder).to_json()["shown"] == {"distinguishable": 6, "named_alone": 6, "on_a_holdout": 6}
    page = folder / "a-mean-is-a-fair-share.md"
    text = page.read_text()
    for name, lost in [
        ("invisible", [1, 1, 1]),
        ("twins", [2, 2, 0]),
        ("only-lists", [0, 1, 0]),
        ("holdout-blind", [0, 0, 1]),
    ]:
        page.write_text(edited(text, FAULTS[name][2]))
        assert list(lint_course(folder).shown.values()) == [6 - less for less in lost], name


def test_the_json_names_every_finding(report: Report) -> None:
    data = report.to_json()
    assert data["format"] == "microgpt/lint/1"
    assert data["errors"] == report.errors
    found = data["findings"]
    assert isinstance(found, list)
    assert len(found) == len(report.findings)
    assert set(found[0]) == {"path", "line", "column", "severity", "rule", "message", "remedy"}
