"""Characters to ids and back, as the reference does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer


@given(documents=st.lists(st.text(min_size=1), min_size=1))
def test_ids_are_those_of_the_reference(documents: list[str]) -> None:
    tokenizer = CharTokenizer.of(documents)
    for text in documents:
        assert tokenizer.encode(text) == reference.encode(text, list(tokenizer.chars))


@given(text=st.text())
def test_decoding_undoes_encoding(text: str) -> None:
    tokenizer = CharTokenizer.of([text])
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=st.text())
def test_the_midst_of_a_text_has_the_same_ids_without_bos(text: str) -> None:
    tokenizer = CharTokenizer.of([text])
    assert [tokenizer.bos, *tokenizer.ids(text), tokenizer.bos] == tokenizer.encode(text)
    assert tokenizer.bos == tokenizer.vocab_size - 1


@given(documents=st.lists(st.text()))
def test_the_order_of_the_documents_does_not_matter(documents: list[str]) -> None:
    assert CharTokenizer.of(documents) == CharTokenizer.of(reversed(documents))


def test_an_unknown_character_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'é' is not in the data .* only these: abc\\n$"):
        CharTokenizer(chars="abc\n").encode("abé")


def test_what_is_printable_is_named_as_it_is_typed() -> None:
    with pytest.raises(ConfigError, match=r"""only these: \\n'"\\x1b\\ü$"""):
        CharTokenizer(chars="\n'\"\x1b\\ü").encode("a")


def test_a_long_alphabet_is_not_printed_whole() -> None:
    with pytest.raises(ConfigError) as refused:
        CharTokenizer(chars="".join(map(chr, range(0x4E00, 0x5E00)))).encode("a")
    assert len(str(refused.value)) < 200
