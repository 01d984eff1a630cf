"""Blocks as lines: whatever stands in them, nothing reaches a terminal that it would obey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.tutor.voices import Heading, Lines, Listing, Options, Paragraph
from microgpt.tutor.voices.drawing import drawn_lines, plain_lines

BLOCKS = [
    lambda text: Heading(left=text, right=text),
    lambda text: Paragraph(text=f"{text} `{text}` **{text}** ${text}$"),
    lambda text: Lines(lines=(text, text), label="2/7"),
    lambda text: Options(texts=(text, text)),
    lambda text: Listing(file=text, start=1, lines=(text, f"  {text}"), values={1: text}),
]


def test_inputs_that_do_not_fit_stand_in_a_line_each():
    asked = Lines(lines=("keys = [[1, 0], [0, 1]]   query = 2",), label="2/7")
    assert [line.plain for line in drawn_lines(asked, 80, "")] == ["  2/7  keys = [[1, 0], [0, 1]]   query = 2"]
    assert [line.plain for line in drawn_lines(asked, 40, "")] == ["  2/7  keys = [[1, 0], [0, 1]]", "      query = 2"]


@pytest.mark.parametrize("make", BLOCKS)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.sampled_from(["\x1b[2J", "\x9b2J", "\r"]))
def test_a_text_of_a_course_or_a_model_holds_no_control_codes_once_it_is_drawn(make, text):
    drawn = [*plain_lines(make(text)), *drawn_lines(make(text), 40, "blue")]
    assert all(line.plain.isprintable() for line in drawn)
