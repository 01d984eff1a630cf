"""A small course of averages, copied to where a test may change it."""

import shutil
from pathlib import Path

import pytest

from microgpt.insights.course import load_course
from microgpt.insights.lock import Lock, make_lock

FIXTURES = Path(__file__).parent / "fixtures"
collect_ignore = ["fixtures"]  # courses: a doctest of theirs is not ours, and an import leaves __pycache__ in them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The clean course, without a lock."""
    return Path(shutil.copytree(FIXTURES / "averages", tmp_path / "averages"))


@pytest.fixture
def locked(averages: Path, tmp_path: Path) -> Path:
    """The clean course with a fresh lock, so that nothing is run that does not change."""
    return Path(shutil.copytree(averages, tmp_path / "locked"))


@pytest.fixture(scope="session")
def lock() -> Lock:
    """The lock of the clean course."""
    return make_lock(load_course(FIXTURES / "averages"))


@pytest.fixture(scope="session")
def insight_text() -> str:
    """The text of a clean insight with code."""
    return (FIXTURES / "averages" / "a-mean-is-a-fair-share.md").read_text()


@pytest.fixture(scope="session")
def codeless_text() -> str:
    """The text of a clean insight without code."""
    return (FIXTURES / "averages" / "one-outlier-is-enough.md").read_text()
