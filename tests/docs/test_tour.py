"""The tour is what the tutor says today."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_tour_is_what_a_learner_with_these_misconceptions_sees_today() -> None:
    command = [sys.executable, "-m", "tools.tour", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
