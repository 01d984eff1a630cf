"""What every test gets: time enough on a busy machine, a learner's data folder that is not the user's, small disks."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from microgpt.learner.store import Store


def _loopback_only(event: str, args: tuple[object, ...]) -> None:
    """Refuse every connection that would leave this machine; a path is a socket of the machine's own."""
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise ConnectionRefusedError(f"a test tried to reach {address}: tests use loopback alone")


sys.addaudithook(_loopback_only)
settings.register_profile("microgpt", parent=settings(), deadline=None)  # under CI the parent draws the same every time
settings.load_profile("microgpt")


@pytest.fixture(autouse=True)
def data_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(tmp_path_factory.mktemp("data")))


@pytest.fixture(autouse=True)
def command_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with an activated environment, so that a next command is told as ``microgpt``."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(autouse=True)
def stores_in_memory_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test may make as many as it likes; Python 3.13 warns of each that is left open."""
    make = Store.in_memory
    with ExitStack() as made:
        monkeypatch.setattr(Store, "in_memory", lambda: made.enter_context(make()))
        yield


@pytest.fixture
def mount_disk() -> Iterator[Callable[[str], Path]]:
    """Give a function that mounts a real disk of a size such as ``48k``; skips where only root could.

    It is outside of pytest's folders: a run that is killed would leave a mount there, which the next could not clear.
    """
    with ExitStack() as mounted:

        def mount(size: str) -> Path:
            folder = mounted.enter_context(tempfile.TemporaryDirectory(prefix="microgpt-disk-"))
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
            if subprocess.run(command, capture_output=True).returncode:
                pytest.skip("a small disk can be mounted by root alone")
            # lazy: also when a failed test holds a file open
            mounted.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
            return Path(folder)

        yield mount
