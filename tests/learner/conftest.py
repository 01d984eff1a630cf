"""A record to open, and a disk that is nearly full."""

import pytest

from microgpt.learner.store import Store
from tests.learner.records import append


@pytest.fixture
def path(tmp_path):
    """A record of 200 events, closed: all in one file."""
    path = tmp_path / "learner.db"
    with Store.open(path) as store:
        append(store, 200)
    return path


@pytest.fixture
def small_disk(mount_disk):
    """A real file system of 256 kB, with 128 kB of it taken by a file that can be deleted."""
    folder = mount_disk("256k")
    (folder / "ballast").write_bytes(bytes(128 * 1024))
    return folder
