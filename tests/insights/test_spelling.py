"""What stands around an answer: read where it is known to say nothing about it, asked again where it may."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microgpt.insights.grading import parse, stands_in

LETTERS = ("r", "d", "b", "i")
TEXTS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_every_text_that_is_an_answer_can_be_given_as_it_is(key: str, others: list[str]) -> None:
    assume(key.strip())
    assert parse(key, "text", known=(key, *others)) is key
    assert stands_in(key, key, "text", known=(key,))


@pytest.mark.parametrize(
    "key",
    [
        "so cake!",
        "hi!",
        "U.S.A.",
        "well done",
        "So long",
        "answer 42",
        "a 'b' c",
        "so",
        "that",
        "maybe",
        "...",
        "don’t",
    ],
)
def test_a_known_answer_is_found_in_a_sentence_too(key: str) -> None:
    for said in ["{}", " {} ", "I think it is {}", "the answer is {}", "{}, I think", "ich glaube {}"]:
        assert parse(said.format(key), "text", known=(key, "other")) == key
    assert parse(key.upper(), "text", known=(key,)) == key


def test_an_answer_of_several_words_is_not_cut_at_its_comma() -> None:
    assert parse("red, green and blue", "text", known=("red", "red and green")) == "red, green and blue"


def test_a_known_answer_is_found_between_signs() -> None:
    for quote in ["[r]", "(r)", "**r**", "<r>", "r - because it is next"]:
        assert parse(quote, "text", known=LETTERS) == "r"


def test_of_two_known_answers_the_longer_one_is_meant() -> None:
    assert parse("I think so cake!", "text", known=("cake", "so cake!")) == "so cake!"


FRAMES = """
    {}|the letter {}|letter {}|{} token|the token {}|the {} token|character {}|{}, because it is next|{} because it fits
    it's {}, because n comes before|not sure, {}|I'd say {}|the next letter is {}|{} is next|{}, probably|{}.|"{}"|'{}'?
    “{}”|the model writes "{}"|is it {}?|{}, right?|{} as it follows|das ist {}|c'est {}|je pense que {}
    es la letra {}|{}, weil es folgt|it's '{}' since it's next
"""


@pytest.mark.parametrize("known", [LETTERS, ("BOS", "none", "anna", "r", "i", "e"), ()])
@pytest.mark.parametrize("frame", FRAMES.strip().replace("\n", "|").split("|"))
def test_a_word_is_taken_out_of_what_is_said_around_it(frame: str, known: tuple[str, ...]) -> None:
    for word in ("r", "i", "BOS", "anna", "e"):
        assert parse(frame.strip().format(word), "text", known=known) == word


UNCLEAR = """
    r or i|not r|r, no, i|r, d|r, or i|it is not "r"|"r" or "i"|it isn't 'r'|a letter|it is a token|something with r
    nicht r|r oder i|pas r|r, x|maybe|so|that|why?|what|I think|what is a token|the one after n|r i
    r, actually i|that's it|I'm not sure|r/d|r,d|"r d"|r=17|er|r → next
"""


@pytest.mark.parametrize("quote", [part.strip() for part in UNCLEAR.strip().replace("\n", "|").split("|")])
def test_where_answers_are_words_more_than_one_word_is_asked_again(quote: str) -> None:
    assert parse(quote, "text", known=LETTERS) is None


def test_which_of_the_known_answers_is_the_key_makes_no_difference() -> None:
    for quote in ["r", "the letter d", "x", "r or d", "x y"]:
        assert parse(quote, "text", known=LETTERS) == parse(quote, "text", known=LETTERS[::-1])


def test_a_negation_of_another_language_chooses_nothing() -> None:
    for quote in ["nicht high", "pas high", "kein high", "non high"]:
        assert parse(quote, "choice", options=("high", "low")) is None


def test_where_some_answer_has_several_words_others_of_several_words_are_answers() -> None:
    assert parse("It is a dog", "text", known=("a cat", "none")) == "a dog"
    assert parse("it's anna's", "text", known=("a cat", "none")) == "anna's"


def test_a_known_answer_may_be_a_hedge_or_stand_beside_one() -> None:
    assert parse("Not sure", "text", known=("not sure", "none")) == "not sure"
    assert parse("not sure, A CAT", "text", known=("a cat", "none")) == "a cat"


def test_several_words_are_an_answer_where_none_is_known() -> None:
    assert parse("red green", "text") == "red green"


def test_a_correction_after_a_word_is_no_explanation_of_it() -> None:
    assert parse("x, it comes next", "text", known=LETTERS) == "x"
    assert parse("x, no, it is y", "text", known=LETTERS) is None


WORDS = """
    nicht|pas|kein|keine|mehr als|weniger als|más de|menos de|plus de|moins de|ungefähr|no|non|não|niet|geen|nie|nunca
    più di|meno di|mais de|mais que|meer dan|minder dan|über|unter|fast|jamais|ikke|inte|nie mehr als|mindestens
    höchstens|au moins|al menos|almeno|oder|ou|o|u|of|eller|vagy|lub|или|не|sauf|außer|excepto|without|anything but
    except|fewer than|half of|the opposite of|minus the|log|abs|sin|times|not|never
"""
FOREIGN = [word.strip() for word in WORDS.strip().replace("\n", "|").split("|")]


@given(st.integers(0, 999), st.sampled_from(FOREIGN), st.sampled_from(["{} {}", "I think {} {}", "es ist {} {}."]))
def test_a_number_that_another_word_may_change_is_never_read(number: int, word: str, frame: str) -> None:
    assert parse(frame.format(word, number), "number") is None
    assert parse(f"{word} [{number}, 2]", "list", shape=(2,)) is None
    assert parse(f"{word} {number}, 2", "list", shape=(2,), any_length=True) is None


@pytest.mark.parametrize("word", ["oder", "ou", "o", "u", "or", "of", "x", "eller"])
def test_alternatives_are_no_list(word: str) -> None:
    assert parse(f"9 {word} 10", "number") is None
    assert parse(f"9 {word} 10", "list", shape=(2,)) is None
    assert parse(f"[1, 9 {word} 10]", "list", shape=(3,)) is None


@given(
    st.integers(-999, 999),
    st.sampled_from(
        """{}|I think it is {}|it's {} nats|so the answer is {}.|about {}|{} tokens
        loss = {}|{} nats per token|a total of {}|not sure but {}|x is {}|lr = {}|loss_1 = {}|w1: {}|it has {}
        ich denke {}|das ist {}|es sind {} Zeichen|die Antwort ist {}|c'est {}|je pense que c'est {}|la réponse est {}
        es {}|creo que es {}|la respuesta es {}|penso che sia {}|la risposta è {}|acho que é {}|ik denk dat het {} is
        {}, because every letter adds to it|I get {} since it isn't averaged|{}, weil es so ist|line {}
        it should be {}|that makes {} in total|I'd go with {}|{}, I think|der Wert ist {}
        """.strip()
        .replace("\n", "|")
        .split("|")
    ),
)
def test_a_number_is_read_in_a_plain_sentence_of_several_languages(number: int, frame: str) -> None:
    assert parse(frame.strip().format(number), "number") == number


UNDONE = """
    log2(8)|log_2(8)|sin(3)|abs(-3)|f(3)|it is log2(8)|log2 8|max(3)|log2(8) = 3|±3|3 k|5 m|10 hundredths|a-1
    one thirteenth|half the loss|9 a 9|x is not = 3|größer = 3|less = 3|because 10|10 because it is not 9
"""


@pytest.mark.parametrize(
    "quote",
    [part.strip() for part in UNDONE.strip().replace("\n", "|").split("|")],
)
def test_what_has_yet_to_be_worked_out_is_no_number(quote: str) -> None:
    assert parse(quote, "number") is None


@pytest.mark.parametrize("quote", ["one thirteenth, 8/13, 4/13", "sum(1, 2, 3)", "sorted[1, 2, 3]", "2 x 3, 1, 5"])
def test_what_has_yet_to_be_worked_out_is_no_list(quote: str) -> None:
    assert parse(quote, "list", shape=(3,), any_length=True) is None


PLACES = ("the first", "the second", "both the same")
WAYS = ("it rises", "it falls", "it stays")
CHOSEN = """
    first|second|the second, I think|second, since the first only has a factor of 2|the second because b is longer
    "b"|I pick b|b i think|b maybe|b, I think|b because it grows|b, as it is a step down|b = the second|**b**|[b]
    the second one|second one|not sure but b|b, the second|second. b.|so the answer is b|option b is right
    b because q is small
"""


@pytest.mark.parametrize("quote", [part.strip() for part in CHOSEN.strip().replace("\n", "|").split("|")])
def test_an_option_is_chosen_whatever_reason_is_given(quote: str) -> None:
    assert parse(quote, "choice", options=PLACES) == ("the first" if quote == "first" else "the second")
    assert parse("falls", "choice", options=WAYS) == parse("Falls, I think", "choice", options=WAYS) == "it falls"
    assert parse("much lower", "choice", options=("lower", "much lower")) == "much lower"
    assert parse("the long", "choice", options=("the short one", "the long one")) == "the long one"


TURNED = """
    the first is wrong|anything but the first|the opposite of the first|higher than the first|≠ the first|> a
    a, b|a. b.|a) or b)|b, or c|a, no, b|a, wait, b|a, actually b|b, or|a, no|not b|b isn't it|first, second
    b because it is less, no, the first|second as it grows, wait, first|first the second
    b because it falls, no, a|b, because c grows|a mixture|2, b|b/c|d, b or so|anything but b
"""


@pytest.mark.parametrize("quote", [part.strip() for part in TURNED.strip().replace("\n", "|").split("|")])
def test_an_option_beside_words_that_may_turn_it_is_asked_again(quote: str) -> None:
    assert parse(quote, "choice", options=PLACES) is None


def test_an_option_in_a_reason_is_not_the_answer() -> None:
    assert parse("it rises: a step down the gradient", "choice", options=("up", "down")) is None
    assert parse("up because a step down the gradient lowers it", "choice", options=("up", "down")) == "up"
    for quote in ("no worse", "no crashes"):
        assert parse(quote, "choice", options=("better", "worse", "crashes")) is None


@pytest.mark.parametrize("quote", ["d", "d) neither", "neither"])
def test_an_option_may_itself_say_no(quote: str) -> None:
    assert parse(quote, "choice", options=("the first", "it can’t", "not sure", "neither")) == "neither"
    assert parse("b) it can't", "choice", options=("the first", "it can’t")) == "it can’t"
    assert parse("c) not sure", "choice", options=("the first", "it can’t", "not sure")) == "not sure"
    assert parse("as it was", "choice", options=("as it was", "new")) == "as it was"
    assert parse("b, less as it shrinks", "choice", options=("more", "less as it shrinks")) == "less as it shrinks"


FILLERS = "the letter|I think|it is|, no,|or|and|wait|not|.|)|,|?|actually|sorry|:|=|/"
AROUND = st.sampled_from(FILLERS.split("|"))


@given(
    st.permutations("abcde"),
    st.lists(AROUND, min_size=3, max_size=3),
    st.sampled_from(["", "because", ", since it is"]),
)
def test_no_sentence_with_two_letters_is_read(letters: list[str], around: list[str], reason: str) -> None:
    before, between, after = around
    quote = f"{before} {letters[0]} {reason} {between} {letters[1]} {after}"
    article = reason and letters[1] == "a" and re.match(r"[^\W\d]", after)  # "b because a step ..."
    if not article:
        assert parse(quote, "choice", options=("more", "less", "far more", "far less", "as before")) is None
