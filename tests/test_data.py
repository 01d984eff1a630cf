"""The bundled names, a user's own text, and the split."""

import doctest
import importlib.util
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.data import BUNDLED, find_again, load_dataset, split_documents
from microgpt.errors import ConfigError, DataError

GOLDEN_NAMES = Path(__file__).parent / "golden" / "names.txt"

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"))
DOCUMENTS = st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=30)


def test_the_bundled_names_are_complete() -> None:
    names = load_dataset().documents
    assert len(names) == 29_910
    assert len(set(names)) == len(names)
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert {len(name) for name in names} == set(range(2, 16))
    assert names[:3] == ("emma", "liam", "olivia")  # the most frequent of 2017


def test_every_53rd_bundled_name_is_the_golden_file() -> None:
    assert load_dataset().documents[10::53] == load_dataset(GOLDEN_NAMES).documents


def test_the_script_that_made_the_names_does_what_its_example_says() -> None:
    script = Path(__file__).parent.parent / "tools" / "make_names.py"
    spec = importlib.util.spec_from_file_location("make_names", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = doctest.testmod(module)
    assert (result.attempted, result.failed) == (1, 0)


@given(text=TEXT)
def test_a_file_is_read_as_the_reference_reads_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("data") / "text"
    path.write_bytes(text.encode())
    expected = reference.read_documents(str(path))
    if expected:
        assert list(load_dataset(path).documents) == expected
    else:
        with pytest.raises(DataError, match="is empty"):
            load_dataset(path)


def test_a_byte_order_mark_is_no_character_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes("\ufeffemma\r\nava\r\n".encode())
    assert load_dataset(path).documents == ("emma", "ava")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is empty"), (b" \n\t\n", "is empty"), (b"a\0b", "zero bytes"), (b"emma\n\xff\xfe", "not UTF-8")],
)
def test_a_file_without_text_is_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint) as refused:
        load_dataset(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        load_dataset(tmp_path / "missing")
    with pytest.raises(DataError, match="is not a file"):
        load_dataset(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset(tmp_path / ("a" * 300))


def test_a_dataset_is_found_again_until_its_bytes_change(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("emma\n")
    dataset = load_dataset(path)
    assert find_again(dataset.source, dataset.sha256) == dataset
    assert find_again(BUNDLED, load_dataset().sha256) == load_dataset()
    path.write_text("ava\n")
    assert find_again(dataset.source, dataset.sha256) is None
    path.unlink()
    assert find_again(dataset.source, dataset.sha256) is None


@given(documents=DOCUMENTS, seed=st.integers(0, 9))
def test_without_validation_the_order_is_the_reference_s_shuffle(documents: list[str], seed: int) -> None:
    shuffled = list(documents)
    random.Random(seed).shuffle(shuffled)
    split = split_documents(documents, 0.0, random.Random(seed))
    assert (split.train, split.validation) == (shuffled, [])


@given(documents=DOCUMENTS, fraction=st.floats(0, 0.99), seed=st.integers(0, 9))
def test_a_split_loses_nothing_and_no_text_is_on_both_sides(documents: list[str], fraction: float, seed: int) -> None:
    try:
        split = split_documents(documents, fraction, random.Random(seed))
    except ConfigError:
        assert round(fraction * len(set(documents))) in (0, len(set(documents)))
        return
    assert sorted(split.train + split.validation) == sorted(documents)
    assert not set(split.train) & set(split.validation)
    assert len(set(split.validation)) == round(fraction * len(set(documents)))


def test_holding_out_draws_no_more_from_the_stream_than_not() -> None:
    plain, held_out = random.Random(1), random.Random(1)
    documents = [chr(97 + i) for i in range(20)]
    split_documents(documents, 0.0, plain)
    split_documents(documents, 0.5, held_out)
    assert plain.getstate() == held_out.getstate()
