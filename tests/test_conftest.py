"""What the test suite promises of itself."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def test_no_test_reaches_beyond_this_machine() -> None:
    with socket.socket() as outside, pytest.raises(ConnectionRefusedError, match="loopback alone"):
        outside.connect(("192.0.2.1", 80))  # an address that RFC 5737 keeps for examples


@pytest.mark.skipif("OMP_NUM_THREADS" in os.environ and os.environ["OMP_NUM_THREADS"] != "1", reason="chosen otherwise")
def test_torch_computes_in_one_thread_here_and_in_the_programs_that_tests_start() -> None:
    torch = pytest.importorskip("torch")
    assert torch.get_num_threads() == 1
    program = "import os; print(os.environ['OMP_NUM_THREADS'])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize("round", [1, 2])
def test_no_test_finds_what_another_has_stored(round: int) -> None:
    folder = Path(os.environ["MICROGPT_DATA_DIR"])
    assert not folder.exists()
    folder.mkdir()
