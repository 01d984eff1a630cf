"""What the test suite promises of itself."""

import socket

import pytest


def test_no_test_reaches_beyond_this_machine() -> None:
    with socket.socket() as outside, pytest.raises(ConnectionRefusedError, match="loopback alone"):
        outside.connect(("192.0.2.1", 80))  # an address that RFC 5737 keeps for examples
