"""The bundled data, a user's own text, and the split."""

import doctest
import importlib.util
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.data import BUNDLED, find_again, load_dataset, split_documents, split_text
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


def test_the_bundled_shakespeare_is_one_text_of_a_million_characters_in_speeches() -> None:
    dataset = load_dataset("shakespeare")
    assert dataset.stream
    [text] = dataset.documents
    assert 1_000_000 <= len(text) < 1_010_000
    assert text.isascii()
    assert len(set(text)) == 63
    speeches = text.removesuffix("\n\n").split("\n\n")
    assert len(speeches) > 6000
    assert all(re.fullmatch(r"[A-Z][\w &'.-]*:(\n\S.*)+", speech) for speech in speeches)
    assert not re.search(r"[_*#\[\]]", text)  # what marks headings and directions in the source
    assert "To be, or not to be: that is the question" in text[-100_000:]


@pytest.mark.parametrize("name", ["make_names", "make_shakespeare"])
def test_the_scripts_that_made_the_data_do_what_their_examples_say(name: str) -> None:
    script = Path(__file__).parent.parent / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = doctest.testmod(module)
    assert result.attempted >= 1
    assert result.failed == 0


def test_a_bundled_name_means_the_same_where_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names").write_text("mine\n")
    assert load_dataset("names") == load_dataset()
    for own in (load_dataset("./names"), load_dataset(Path("names"))):
        assert own.documents == ("mine",)
        assert find_again(own.source, own.sha256, stream=False) == own


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


@given(text=TEXT.filter(str.strip))
def test_a_stream_is_the_text_as_python_reads_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("data") / "text"
    path.write_bytes(text.encode())
    assert load_dataset(path, stream=True).documents == (path.read_text(encoding="utf-8"),)


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


@pytest.mark.parametrize("stream", [False, True])
def test_a_dataset_is_found_again_until_its_bytes_change(tmp_path: Path, stream: bool) -> None:
    path = tmp_path / "text"
    path.write_text("emma\n")
    dataset = load_dataset(path, stream=stream)
    assert dataset.stream == stream
    assert find_again(dataset.source, dataset.sha256, stream=stream) == dataset
    path.write_text("ava\n")
    assert find_again(dataset.source, dataset.sha256, stream=stream) is None
    path.unlink()
    assert find_again(dataset.source, dataset.sha256, stream=stream) is None


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_dataset_is_found_again_by_its_name(name: str) -> None:
    dataset = load_dataset(name)
    assert dataset.source == name
    assert find_again(name, dataset.sha256, stream=dataset.stream) == dataset


def test_the_names_can_be_read_as_a_stream_too() -> None:
    assert load_dataset(stream=True).documents[0].startswith("emma\nliam\n")


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


@given(text=st.text("ab\n", min_size=1, max_size=60), fraction=st.floats(0, 0.99), window=st.integers(2, 20))
def test_a_stream_is_cut_once_and_loses_nothing(text: str, fraction: float, window: int) -> None:
    try:
        split = split_text(text, fraction, window)
    except (ConfigError, DataError):
        held_out = round(fraction * len(text))
        assert len(text) - held_out < window or (fraction and held_out < 2)
        return
    assert "".join(split.train + split.validation) == text
    assert len("".join(split.validation)) == round(fraction * len(text))
    assert len(split.train[0]) >= window


def test_a_text_shorter_than_a_window_is_refused_with_what_to_try() -> None:
    with pytest.raises(
        DataError, match=r"a text of 8 characters to train on is too short: with block_size=8 .* 9\. Try"
    ):
        split_text("a" * 16, 0.5, 9)
    with pytest.raises(ConfigError, match=r"val_fraction=0\.1 of 10 characters is 1: at least two"):
        split_text("a" * 10, 0.1, 3)
