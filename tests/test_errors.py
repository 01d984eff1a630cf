"""The error tree: what a user reads when something is missing or wrong."""

import re
from importlib import metadata

import pytest

from microgpt.errors import DISTRIBUTION, CourseError, MissingExtra, install_command


def test_every_extra_of_the_package_has_a_command_that_names_it() -> None:
    extras = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    assert {"torch", "claude", "mcp", "notebooks", "docs", "dev"} <= set(extras)
    for extra in extras:
        assert install_command(extra) == f"pip install '{DISTRIBUTION}[{extra}]'"


def test_a_missing_package_is_told_with_the_command_that_brings_it() -> None:
    error = MissingExtra("torch", "torch", "The torch engine")
    assert str(error) == (
        "The torch engine needs torch, which is not installed. Try: pip install 'microgpt-tutor[torch]'"
    )


def test_an_extra_that_the_package_does_not_have_is_our_mistake() -> None:
    with pytest.raises(KeyError, match=re.escape("'cuda' is no extra")):
        MissingExtra("cupy", "cuda", "The CUDA engine")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({}, "no claim"),
        ({"path": "a.md"}, "a.md: no claim"),
        ({"path": "a.md", "line": 3}, "a.md:3: no claim"),
        ({"path": "a.md", "line": 3, "column": 7}, "a.md:3:7: no claim"),
    ],
)
def test_an_error_in_a_course_says_where_as_compilers_do(place: dict[str, str | int], told: str) -> None:
    assert str(CourseError("no claim", **place)) == told  # type: ignore[arg-type]
