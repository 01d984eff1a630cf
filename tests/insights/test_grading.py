import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microgpt.insights.grading import gives_up, parse, same, stands_in
from microgpt.insights.question import Kind

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SENTENCES = st.sampled_from(
    ["{}", " {} ", "I think it is {}", "x = {}", "it's {}.", "maybe {}?", "({})", "{} nats", "{}!"[:2]]
)


@given(FLOATS, SENTENCES)
def test_any_number_parses_back_from_its_own_spelling(x: float, sentence: str) -> None:
    assert parse(sentence.format(repr(x)), "number") == x


@given(st.integers(-999_999, 999_999), st.integers(1, 6), SENTENCES)
def test_a_decimal_comma_reads_as_a_point_unless_it_could_be_thousands(digits: int, places: int, sentence: str) -> None:
    point = f"{digits / 10**places:.{places}f}"
    comma = point.replace(".", ",")
    thousands = places == 3 and abs(digits) >= 1000
    assert parse(sentence.format(comma), "number") == (None if thousands else float(point))


@given(st.integers(-10_000, 10_000), st.integers(1, 10_000))
def test_fractions_and_percents_are_the_quotient(a: int, b: int) -> None:
    assume((a, b) != (50, 50))  # "50/50" is an even chance
    assert parse(f"{a}/{b}", "number") == a / b
    assert parse(f"it is {a} / {b}", "number") == a / b
    assert parse(f"{a} %", "number") == a / 100


ROWS = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=5)


@given(
    ROWS,
    st.sampled_from(["[{}]", "({})", "{}", "I think [{}]", "it is {}."]),
    st.sampled_from([", ", " ", " and ", "; "]),
)
def test_any_list_parses_back_however_it_is_punctuated(row: list[float], frame: str, comma: str) -> None:
    assert parse(frame.format(comma.join(map(repr, row))), "list", shape=(len(row),)) == row


@given(st.data())
def test_any_matrix_parses_back_with_brackets_or_a_row_a_line(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(2, 3)), data.draw(st.integers(1, 3))
    matrix = [[data.draw(st.integers(-9, 9)) for _ in range(columns)] for _ in range(rows)]
    lines = [" ".join(map(str, row)) for row in matrix]
    for quote in [str(matrix), str(matrix)[1:-1], str(matrix).replace(",", ""), "\n".join(lines), "; ".join(lines)]:
        assert parse(quote, "list", shape=(rows, columns)) == matrix


@given(ROWS, st.integers(1, 6))
def test_a_list_of_another_length_is_unparsed_never_wrong(row: list[float], length: int) -> None:
    if length != len(row):
        assert parse(str(row), "list", shape=(length,)) is None


@given(ROWS, st.integers(1, 6), st.sampled_from(["{}", "I think {}", "it is {}."]), st.booleans())
def test_where_the_length_is_asked_a_list_of_another_length_is_an_answer(
    row: list[float], length: int, frame: str, bare: bool
) -> None:
    said = frame.format(", ".join(map(repr, row)) if bare and len(row) > 1 else row)
    assert parse(said, "list", shape=(length,), any_length=True) == row


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        ("[2, 0, 1]", [2, 0, 1]),
        ("2,0,1", [2, 0, 1]),
        ("2 0 then 1", [2, 0, 1]),
        ("4,3", [4, 3]),
        ("[4,3]", [4, 3]),
        ("[7]", [7]),
        ("()", []),
        ("2,0,1,2", [2, 0, 1, 2]),
        ("7", None),  # a number is no list
        ("it has 2 tokens: 0, 1", None),
        ("0,5 0,5 0,5", None),
        ("[1, 2] [3, 4]", None),
        ("[[1, 2]]", None),
        ("2 or 3", None),
        ("[no idea]", None),
        ("no idea", None),
        ("", None),
    ],
)
def test_a_list_of_any_length_has_to_be_plainly_a_list(quote: str, answer: list[float] | None) -> None:
    assert parse(quote, "list", shape=(4,), any_length=True) == answer
    assert stands_in([2, 0, 1], quote, "list", shape=(4,), any_length=True) == (answer == [2, 0, 1])


def test_a_matrix_of_any_length_has_even_rows() -> None:
    assert parse("1 2; 3 4; 5 6", "list", shape=(2, 2), any_length=True) == [[1, 2], [3, 4], [5, 6]]
    assert parse("[[1,2],[3]]", "list", shape=(2, 2), any_length=True) is None


@given(FLOATS, FLOATS, st.sampled_from(["{} or {}", "{}, no, {}", "{} {}", "between {} and {}"]))
def test_two_different_numbers_are_unparsed(a: float, b: float, sentence: str) -> None:
    if a != b:
        assert parse(sentence.format(a, b), "number") is None


@given(st.text(max_size=60), st.sampled_from(["number", "list", "choice", "text"]))
def test_whatever_is_said_it_parses_to_a_finite_answer_or_to_none(quote: str, kind: Kind) -> None:
    answer = parse(quote, kind, options=("one", "two", "three"), shape=(2,))
    if kind == "number":
        assert answer is None or (isinstance(answer, int | float) and math.isfinite(answer))
    if kind == "choice":
        assert answer in (None, "one", "two", "three")


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        (".5", 0.5),
        ("0.50", 0.5),
        ("0,5", 0.5),
        ("0,50", 0.5),
        ("1/2", 0.5),
        ("1 / 2", 0.5),
        ("50%", 0.5),
        ("50 per cent", 0.5),
        ("half", 0.5),
        ("one half", 0.5),
        ("a half?", 0.5),
        ("½", 0.5),
        ("three quarters", 0.75),
        ("minus three", -3),
        ("negative 0.5", -0.5),
        ("−3", -3),
        ("\u20133", -3),  # a phone makes a dash of a minus
        ("I think\u20140.5", 0.5),
        ("neg 3", -3),
        ("five sixths", 5 / 6),
        ("three fourths", 0.75),
        ("2 thirds", 2 / 3),
        ("a tenth", 0.1),
        ("+2", 2),
        ("zero", 0),
        ("2*10^-3", 0.002),
        ("2 × 10^3", 2000),
        ("1,000,000", 1_000_000),
        ("1,234.5", 1234.5),
        ("35,35", 35.35),
        ("0.333...", 0.333),
        ("0.5, so 0.5", 0.5),
        ("0.5 = 1/2", 0.5),
        ("I'm not sure, 0.5?", 0.5),
        ("I don't know... 2", 2),
        ("w0 is 3", 3),
        ("1,234,567, ok", 1_234_567),
        (",5", 0.5),
        ("it is ,07", 0.07),
        ("-,5", -0.5),
        ("3 tokens", 3),
        ("2 nats", 2),
        ("5 steps", 5),
        ("3 times", 3),
        ("it's 0.5 times, I think", 0.5),
        ("-½", -0.5),
        ("minus ½", -0.5),
        ("1/3 = 0.333", 1 / 3),
        ("0.5 = 50%", 0.5),
        ("1/3 (0.33)", 1 / 3),
        ("-4/3 = -1,33", -4 / 3),
        ("thirteen", 13),
        ("twenty", 20),
        ("twenty five", 25),
        ("minus twenty-seven", -27),
        ("ninety-nine percent", 0.99),
        ("twenty-three quarters", 23 / 4),
    ],
)
def test_a_number_is_understood_as_people_write_it(quote: str, answer: float) -> None:
    assert parse(quote, "number") == pytest.approx(answer, abs=1e-12)


UNCLEAR = """
    ?  1,000  not 0.5  it isn't 0.5  more than 2  > 2  at least 3  sqrt(2)  e^2  2^3  ln 27  1/0  1e999  0.1*5
    0.1 * 5 = 0.5  1.2.3  3x  2pi  1-2  - 3  half of 3  2 squared  3!  the 2nd  the third  1\u20132  hm \u2014 3
    twenty-third  twenty-seventh  one hundred  2 thousand  5 million  point five  five twelfths  a dozen
    twice 4  double 3  the square of 3  0.5 less  under 5  up to 5  nearly 5  5 negative  sum of 3
    1,000, I think  4,192, because of wte  2 lr  -2 lr  minus one lr  half lr  2 w0  2 loss  3 rate  50/50  1:1
    2 times 3  3 times lr  3 times the lr  3 times (4)  times 3  2½  1/3 = 0.34
    1/3 (0.3%)  1/0 = 0.5  ½2  1/3 (5)  1/3 = 0.3%  1.1/3 = 0.33
"""


@pytest.mark.parametrize("quote", ["", "9" * 3000, *re.split(r"\s\s+", UNCLEAR.strip())])
def test_a_number_that_may_not_be_the_answer_meant_is_unparsed(quote: str) -> None:
    assert parse(quote, "number") is None


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        ("half half", [0.5, 0.5]),
        ("half and half", [0.5, 0.5]),
        ("0,5 0,5", [0.5, 0.5]),
        ("0,5; 0,5", [0.5, 0.5]),
        ("1,2", [1, 2]),
        ("50%, 50%", [0.5, 0.5]),
        ("1/2 1/2", [0.5, 0.5]),
        ("-1 2", [-1, 2]),
        ("1,000 2,000", None),
        ("1,000, 2,000", None),
        ("1,980, 34", None),
        ("33 and 67 percent", None),
        ("0, 67%", [0, 0.67]),
        (",5 ,5", None),
        ("1 ,2", [1, 2]),
        ("½½", [0.5, 0.5]),
        ("1/3 (0.33), 2/3 (0.67)", [1 / 3, 2 / 3]),
        ("(1/3 = 0.33, 2/3 = 0.67)", [1 / 3, 2 / 3]),
        ("thirteen, twenty one", [13, 21]),
        ("at step 1: [1, 2]", None),
        ("[1, 2] or [2, 1]", None),
        ("[1, 2", None),
        ("[1, 2] [3", None),
        ("1, 2]", None),
        ("1 - 2", None),
        ("[[1, 2]]", None),
        ("[" * 900 + "]" * 900, None),
    ],
)
def test_a_list_is_understood_as_people_write_it(quote: str, answer: list[float] | None) -> None:
    assert parse(quote, "list", shape=(2,)) == answer


def test_the_one_row_of_a_matrix_may_stand_without_its_outer_brackets() -> None:
    assert parse("[1, 2]", "list", shape=(1, 2)) == [[1, 2]]
    assert parse("1 2", "list", shape=(2, 1)) == [[1], [2]]
    assert parse("[1, 2, 3, 4]", "list", shape=(2, 2)) is None


OPTIONS = ("nearer to 2", "between", "nearer to 20")


SECOND = "b B) (b) B. b. option b|I think it's b|b) between|b: between|Between|it is between.|I'm not sure, between"


@pytest.mark.parametrize("quote", re.split(r"\|", SECOND.replace(" ", "|", 4)))
def test_a_letter_or_an_options_full_text_chooses_it(quote: str) -> None:
    assert parse(quote, "choice", options=OPTIONS) == "between"


def test_a_longer_option_that_holds_a_shorter_one_is_meant_as_it_stands() -> None:
    assert parse("nearer to 20", "choice", options=OPTIONS) == "nearer to 20"
    assert parse("it is nearer to 2, I think", "choice", options=OPTIONS) == "nearer to 2"


NONE_OF_THEM = ["d", "not between", "a mixture", "a or b", "b, nearer to 2", "2", "between or nearer to 2", ""]


@pytest.mark.parametrize("quote", NONE_OF_THEM)
def test_what_names_no_option_or_two_is_unparsed(quote: str) -> None:
    assert parse(quote, "choice", options=OPTIONS) is None


def test_a_text_is_taken_out_of_the_sentence_around_it() -> None:
    assert parse("anna", "text") == "anna"
    assert parse('I think it is "anna".', "text") == "anna"
    assert parse("The answer is Anna.", "text") == "Anna"
    assert parse("...", "text") is None


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.sampled_from([0.005, 0.01, 1.0]))
def test_numbers_are_the_same_if_they_differ_by_no_more_than_within(a: float, b: float, within: float) -> None:
    assert same(a, b, within) == same(b, a, within)
    assert same(a, a, within)
    if abs(abs(a - b) - within) > 1e-6:
        assert same(a, b, within) == (abs(a - b) < within)


def test_sameness_knows_lists_texts_and_the_last_bit() -> None:
    assert same(0.13, 0.125, 0.005)
    assert same([1, [0.5]], [1.0, [0.504]], 0.005)
    assert not same([1, 2], [1], 1)
    assert same("Nearer  to 2", "nearer to 2", 0)
    assert not same("a", "b", 10)
    assert not same(1, True, 1)
    assert not same(1, "1", 1)


def test_giving_up_is_only_that_and_nothing_else() -> None:
    for quote in ["I give up", "No idea!", "I don’t know.", "don't know", "idk", "sorry, I have no idea", "pass"]:
        assert gives_up(quote)
    for quote in ["", "no", "no idea, 0.5?", "I give up: 3", "I know", "don't know if it is b"]:
        assert not gives_up(quote)


def test_a_value_stands_in_a_quote_only_if_the_quote_says_it() -> None:
    assert stands_in(0.5, "I think one half", "number")
    assert not stands_in(0.5, "I think 0.4", "number")
    assert not stands_in(0.5, "0.5 or 0.4", "number")
    assert stands_in([1, 2], "1, 2", "list", shape=(2,))
    assert stands_in("between", "b", "choice", options=OPTIONS)
    assert not stands_in(None, "hm", "number")
