"""What a lesson looks like is what is stored under tests/screens."""

from collections.abc import Mapping

import pytest

from tools.screens import FOLDER, screens


@pytest.fixture(scope="module")
def drawn() -> Mapping[str, str]:
    return screens()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["80", "40", "plain", "colour", "no-color", "first-minute-40", "model-80", "model-40"])
def test_a_lesson_looks_as_it_did(name: str, drawn: Mapping[str, str]) -> None:
    """If it is meant to look different: python -m tools.screens, and read what changed."""
    assert drawn[name] == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_piped_and_plain_screens_have_no_control_codes_and_no_color_has_no_colour(drawn: Mapping[str, str]) -> None:
    assert all("\\e" not in drawn[name] for name in ("80", "40", "plain"))
    assert "\\e[38;" in drawn["colour"]
    assert "\\e[38;" not in drawn["no-color"]
    assert drawn["plain"].isascii()
    assert max(map(len, (drawn["40"] + drawn["model-40"]).splitlines())) <= 40


@pytest.mark.slow
def test_what_a_model_grades_or_asks_is_on_no_screen_and_its_cut_answer_is_one_line(drawn: Mapping[str, str]) -> None:
    shown = " ".join(drawn["model-80"].split())
    assert "A tenth of 10 is 1" in shown
    assert not any(words in shown for words in ("That is right!", "Do you see it?", "Correct!", "What follows?"))
    assert shown.count("broke off. This once, in plain words; nothing is lost.") == 1
