"""What is left of a model's words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.tutor.voices import Lines, Paragraph
from microgpt.tutor.voices.wording import LONGEST, cleaned, settled

GRADES = [
    "Correct!", "That's correct.", "That is right!", "You're right.", "You are absolutely right.",
    "Your answer is wrong.", "That's it!", "Yes.", "No!",
    "Not quite right.", "Exactly!", "Perfect.", "Well done!", "Great job!", "Good work.", "Yes, that's it exactly.",
    "Yes! Correct.", "No, that's incorrect.", "Incorrect.", "You've mastered softmax.", "You have passed.",
    "I'd say you earned it: 9 out of 10.", "I give you full marks.", "Your score is high.", "Spot on!", "Bravo!",
    "You got it!", "You’ve got that right.", "You got it wrong.", "Nailed it!", "✅ Two.",
]  # fmt: skip
TEACHING = [
    "The right-hand side adds up to one.", "Attention scores are compared first.", "Read the loop from right to left.",
    "A share depends on the distance between scores.", "The wrong sign would make it climb.", "This points at line 12.",
    "It is exactly one half of the sum.", "Exactly two lines do the work.", "Perfectly flat scores share evenly.",
    "Once you have got it running, look at line 12.",
]  # fmt: skip


@pytest.mark.parametrize("sentence", GRADES)
def test_a_sentence_that_grades_is_left_out_and_the_next_one_stays(sentence):
    assert cleaned(f"{sentence} Look at line 12.") in ((Paragraph(text="Look at line 12."),), ())
    assert cleaned(f"Look at line 12. {sentence}") == (Paragraph(text="Look at line 12."),)


@pytest.mark.parametrize("sentence", TEACHING)
def test_a_sentence_that_teaches_stays(sentence):
    assert cleaned(sentence) == (Paragraph(text=sentence),)


@pytest.mark.parametrize("question", ["What is 2 + 2?", "Und jetzt?", "那是什么？", "ما هذا؟", "(Is it?)", "“Really?”"])
def test_a_sentence_that_asks_is_left_out(question):
    assert cleaned(question) == ()
    assert cleaned(f"Look. {question}") == (Paragraph(text="Look."),)
    assert cleaned(f"“So it is.” {question}") == (Paragraph(text="“So it is.”"),)


def test_a_sentence_keeps_the_marks_that_close_it():
    text = "**Look.** (At the sum.) “It is one.” So it is."
    assert cleaned(text) == (Paragraph(text=text),)


def test_code_is_kept_as_lines_and_lists_as_paragraphs():
    text = "So:\n\n```python\ndef f(x):\n    return x\n```\n\n- one\n- two"
    assert cleaned(text) == (
        Paragraph(text="So:"),
        Lines(lines=("def f(x):", "    return x")),
        Paragraph(text="one"),
        Paragraph(text="two"),
    )


@given(
    st.text(alphabet=st.characters(), max_size=4 * LONGEST) | st.binary(max_size=400).map(lambda b: b.decode("latin-1"))
)
def test_whatever_a_model_writes_nothing_unprintable_and_nothing_endless_is_left(text):
    blocks = cleaned(text)
    said = [line for block in blocks for line in (block.lines if isinstance(block, Lines) else [block.text])]
    assert sum(map(len, said)) <= LONGEST + 2
    assert not any(unicodedata.category(char) in ("Cc", "Cf") for line in said for char in line)


@given(
    st.sampled_from(["\x1b[31m", "\x1b]0;title\x07", "\x1b[2J", "\x1bP1$r\x1b\\", "\x9b31m", "\u202e", "\x08", "\r"])
)
def test_a_control_code_leaves_no_trace_of_itself(code):
    assert cleaned(f"a{code}b") in ((Paragraph(text="ab"),), (Paragraph(text="a31mb"),))


PIECES = [
    "Shares add up.",
    " ",
    "\n",
    "\n\n",
    "Is it so?",
    "Correct!",
    "- one",
    "* two",
    "1. ",
    "2. Then",
    "```",
    "```py\n",
    "x = 1.",
    "e.g. this",
    "“Yes.”",
    "…",
    " and so on",
    "**b",
    "old**.",
    "**Look.**",
    "(So.)",
    "\x1b[2J",
    "\x1b]0;t\x07",
    "\r\n",
    "明白。",
    "# Head",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_what_is_shown_while_a_model_speaks_is_how_its_whole_speech_begins(pieces):
    whole, text = _in_words(cleaned("".join(pieces))), ""
    for piece in pieces:
        text += piece
        shown = _in_words(cleaned(settled(text)))
        assert whole[: len(shown)] == shown


def _in_words(spoken):
    """Return blocks as their words, and where each block ends."""
    lines = [[block.text] if isinstance(block, Paragraph) else block.lines for block in spoken]
    words = [word for block in lines for word in (*" ".join(block).split(), "/")]
    return words[:-1]
