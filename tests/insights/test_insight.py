import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.insight import parse_insight


def test_an_insight_is_what_its_file_says(insight_text: str) -> None:
    insight = parse_insight(insight_text, "f.md")
    assert (insight.id, insight.anchor, insight.within, insight.revision) == (
        "a-mean-is-a-fair-share",
        "mean",
        0.005,
        1,
    )
    assert [(q.id, q.inputs, q.holdout) for q in insight.questions] == [
        ("three", {"numbers": [1, 2, 9]}, False),
        ("four", {"numbers": [0, 5, 7, 20]}, False),
        ("last", {"numbers": [3, 4, 4, 13]}, True),
    ]
    belief = insight.misconceptions[0]
    assert (belief.id, belief.counter) == ("takes-the-middle", "three")
    assert belief.mutant == "- total / len(numbers)\n+ sorted(numbers)[len(numbers) // 2]"
    assert insight.text == "Put everything on one heap and deal it out again."
    assert insight.breaks == "Nobody may have the mean."


def test_each_key_and_each_part_of_the_text_knows_its_line(insight_text: str) -> None:
    insight_text = insight_text.replace("Put everything", "\n\nPut everything").replace("Nobody", "\nNobody")
    insight = parse_insight(insight_text, "f.md")
    lines = insight_text.split("\n")
    assert lines[insight.lines["claim"] - 1].startswith("claim:")
    assert lines[insight.lines["misconceptions.takes-the-middle.counter"] - 1].strip() == "counter: three"
    assert lines[insight.questions[1].line - 1].strip() == "four:"
    assert lines[insight.lines["text"] - 1].startswith("Put everything")
    assert lines[insight.lines["breaks"] - 1].startswith("Nobody")


EDITS = [  # replace the first with the second; the error stands in the line of the third and says the fourth
    ("claim:", "clam:", "clam:", "Try claim."),
    ("claim: A mean is what each would get if all was shared out evenly.", "claim: no", "", ""),
    ("claim: A mean is what each would get if all was shared out evenly.", "claim: 5", "claim: 5", "is text, not 5"),
    ("claim: A mean is what each would get if all was shared out evenly.", "claim:", "claim:", "missing or empty"),
    ("id: a-mean", "id: A mean", "id:", "other signs"),
    ("ask: What is their mean?\n", "", "  three:", "asks nothing"),
    ("call: mean(numbers)", "call: mean(numbers", "call:", "no expression"),
    ("call: mean(numbers)", "call: mean(number)", "numbers: [1, 2, 9]", "Try number."),
    ("holdout: true", "holdot: true", "holdot", "Try holdout."),
    ("holdout: true", "holdout: yes", "holdout: yes", "true or false"),
    ("counter: three", "counter: thre", "counter: thre", "Try three."),
    ("counter: three", "counter: last", "counter: last", "may be taught with"),
    ("anchor: mean", "anchor: mean\nwithin: 0", "within", "above 0"),
    ("anchor: mean", "anchor: mean\nwithin: true", "within", "above 0"),
    ("anchor: mean", "anchor: mean\nrevision: 0", "revision", "counts from 1"),
    ("anchor: mean", "anchor: mean\nneeds: other", "needs", "is a list"),
    ("anchor: mean", "anchor: mean\nneeds: [1]", "needs", "lists texts"),
    ("anchor: mean", "anchor: mean\nneeds: [a, a]", "needs", "each once"),
    ("anchor: mean", "anchor: mean\nkeep: [numbrs]", "keep", "Try numbers."),
    ("anchor: mean", "anchor: mean\nkeep: numbers", "keep", "is a list"),
    ("anchor: mean", "anchor: mean\nyours: mean(mine)", "yours", "Try a call with  yours  in it"),
    ("anchor: mean", "anchor: mean\nyours: mean(yours", "yours", "no expression"),
    ("numbers: [1, 2, 9]", "numbers: [1, 2, 9]\n    right: yes", "  three:", "computes the answer"),
    ("numbers: [1, 2, 9]", "numbers: [1, 2, 9]\n    right: 4", "right: 4", "is text"),
    (
        "    mutant: |\n      - return total / len(numbers)\n      + return total\n",
        "",
        "  forgets-to",
        "changes no code",
    ),
    ("belief: It is what they have together.", "beleif: Together.", "beleif", "Try belief."),
    ("misconceptions:", "misconception:", "misconception:", "Try misconceptions."),
    ("---\nid", "id", "id:", "two lines of ---"),
    ("Nobody may", "Nobody \x1b[2J may", "Nobody", "U+001B"),
    ("evenly.", "evenly. \u202e", "claim:", "U+202E"),
]


@pytest.mark.parametrize(("old", "new", "where", "says"), EDITS, ids=[f"{i}-{e[3]}" for i, e in enumerate(EDITS)])
def test_a_mistake_is_told_with_its_line_and_a_remedy(
    insight_text: str, old: str, new: str, where: str, says: str
) -> None:
    assert old in insight_text
    text = insight_text.replace(old, new, 1)
    if not says:
        assert parse_insight(text, "f.md").claim == "no"  # a word like any other
        return
    with pytest.raises(CourseError, match=re.escape(says)) as caught:
        parse_insight(text, "f.md")
    assert where in text.split("\n")[caught.value.line - 1]
    assert "Try" in str(caught.value)


def test_without_code_every_misconception_needs_its_answer_everywhere(codeless_text: str) -> None:
    insight = parse_insight(codeless_text, "f.md")
    assert insight.questions[0].right == "It rises a lot."
    assert insight.questions[0].wrong["one-of-many"] == "It stays about the same."
    for old, new, says in [
        ("      one-of-many: It hardly changes at all.\n", "", "the answer of 'one-of-many' is missing"),
        ("      one-of-many: It hardly", "      one-of-may: It hardly", "Try one-of-many"),
        ("    right: It rises a lot.\n", "", "no right answer"),
        ("    right: It rises", "    rigth: It rises", "Try right."),
        ("skip:", "yours: len(yours)\nskip:", "no code to run on the learner's text"),
        ("skip:", "keep: [numbers]\nskip:", "no question has an input 'numbers' to keep. Try deleting"),
        ("    counter: town\n", "    counter: town\n    mutant: |\n      - a\n      + b\n", "needs a `call:`"),
    ]:
        assert old in codeless_text
        with pytest.raises(CourseError, match=re.escape(says)):
            parse_insight(codeless_text.replace(old, new, 1), "f.md")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_with_a_remedy_but_never_breaks(
    insight_text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(insight_text)))
    end = data.draw(st.integers(start, min(len(insight_text), start + 40)))
    filler = data.draw(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"# \n0.~\x00\ud800(),"), max_size=12))
    text = insight_text[:start] + filler + insight_text[end:]
    refused = None
    try:
        parse_insight(text, "f.md")
    except CourseError as error:
        refused = error
    assert refused is None or ("Try" in str(refused) and 0 <= refused.line <= text.count("\n") + 1)
