"""The file under the record, in a world of full disks, other users, newer versions and broken bytes."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from microgpt.errors import StoreError
from microgpt.learner.database import default_path, open_database
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from tests.learner.records import AS_ROOT, append, at_once, from_dump, mode, numbers

NOBODY = 65534


# ---- Where it is, and who may read it


def test_the_environment_names_the_folder_and_without_it_the_system_does():
    assert default_path({"MICROGPT_DATA_DIR": "/data"}) == Path("/data/learner.db")
    assert default_path({"MICROGPT_DATA_DIR": "~/data"}) == Path.home() / "data/learner.db"
    assert default_path({}) == default_path({"MICROGPT_DATA_DIR": ""})
    assert default_path({}).parts[-2:] == ("microgpt", "learner.db")


def test_only_the_learner_can_read_the_folder_and_every_file_in_it(tmp_path):
    path, umask = tmp_path / "home" / "learner.db", os.umask(0)
    try:
        with Store.open(path) as store:
            append(store)
            modes = {file.name: mode(file) for file in path.parent.iterdir()}
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(("learner.db", "learner.db-shm", "learner.db-wal"), "0o600")
    assert mode(path.parent) == "0o700"


def test_a_folder_that_was_there_before_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    Store.open(tmp_path / "learner.db").close()
    assert mode(tmp_path) == "0o755"


def test_reading_where_nothing_is_finds_an_empty_record_and_makes_nothing(tmp_path):
    with Store.open(tmp_path / "home" / "learner.db", create=False) as store:
        assert (store.lessons(), numbers(store), store.learner("ada")) == ([], [], None)
        with pytest.raises(StoreError, match="cannot be written"):
            append(store)
    assert list(tmp_path.iterdir()) == []


def test_reading_sees_what_was_written_and_leaves_no_file_behind(path):
    with Store.open(path, create=False) as store:
        assert numbers(store) == list(range(1, 201))
    assert list(path.parent.iterdir()) == [path]


def test_many_that_open_a_new_record_at_once_all_succeed(tmp_path):
    def work():
        with Store.open(tmp_path / "learner.db") as store:
            append(store)

    assert at_once(8, work) == []
    with Store.open(tmp_path / "learner.db") as store:
        assert numbers(store) == list(range(1, 9))


def test_who_opens_a_new_record_while_another_makes_it_waits(tmp_path):
    """SQLite itself refuses at once here, however long it was told to wait."""
    path = tmp_path / "learner.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        done.start()
        with Store.open(path) as store:
            append(store)
            assert numbers(store) == [1]
        done.join()


def test_a_block_is_on_the_disk_before_it_ends_readers_need_not_wait_and_writers_wait_as_told(tmp_path):
    with closing(open_database(tmp_path / "learner.db", create=True, wait_s=1)) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL; only a power cut would show the difference
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (1000,)  # milliseconds


def test_a_mistake_of_ours_is_not_blamed_on_the_file(tmp_path):
    store = Store.open(tmp_path / "learner.db")
    store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        store.lessons()


AS_NOBODY = """
import os, sys
from pathlib import Path
from microgpt.errors import StoreError
from microgpt.learner.store import Store
os.setgid(65534), os.setuid(65534)
try:
    with Store.open(Path(sys.argv[1])) as store, store.transaction("ada-microgpt") as tx:
        tx.save({})
except StoreError as error:
    print(error)
"""


@AS_ROOT
@pytest.mark.parametrize("case", ["no record yet", "a record of another user", "a folder that cannot be written"])
def test_in_a_home_that_cannot_be_written_one_line_says_so_and_nothing_changes(path, case):
    for folder in path.parents[:-2]:
        folder.chmod(0o755)
    path.chmod(0o644)
    wanted = path
    if case == "no record yet":
        wanted = path.parent / "new" / "learner.db"
    elif case == "a folder that cannot be written":
        os.chown(path, NOBODY, NOBODY)
    before = path.read_bytes()
    result = subprocess.run([sys.executable, "-c", AS_NOBODY, wanted], capture_output=True, text=True, check=True)
    assert result.stdout.count("\n") == 1
    assert str(wanted) in result.stdout
    assert "MICROGPT_DATA_DIR" in result.stdout
    assert result.stderr == ""
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


# ---- A full disk


@AS_ROOT
def test_a_full_disk_is_told_nothing_acknowledged_is_lost_and_with_room_the_lesson_goes_on(small_disk):
    acknowledged = 0

    def append_until_full():
        nonlocal acknowledged
        for _ in range(1000):
            append(store, 5)
            acknowledged += 5

    with Store.open(small_disk / "learner.db") as store:
        with pytest.raises(StoreError, match=r"disk is full.*Free some space"):
            append_until_full()
        assert acknowledged > 0
        assert numbers(store) == list(range(1, acknowledged + 1))
    with Store.open(small_disk / "learner.db") as store:
        assert numbers(store) == list(range(1, acknowledged + 1))
        (small_disk / "ballast").unlink()
        append(store, 5)
        assert numbers(store) == list(range(1, acknowledged + 6))


@AS_ROOT
@pytest.mark.parametrize("room", [0, 8, 24, 40])
def test_on_a_disk_too_full_to_begin_one_line_says_so(small_disk, room):
    free = os.statvfs(small_disk)
    (small_disk / "more").write_bytes(bytes(free.f_bavail * free.f_bsize - room * 1024))
    with pytest.raises(StoreError, match=r"is full|No space left"):
        Store.open(small_disk / "learner.db")
    (small_disk / "ballast").unlink()
    with Store.open(small_disk / "learner.db") as store:
        append(store)


# ---- Only reading


def test_an_older_format_that_is_only_read_is_understood_and_not_touched(tmp_path):
    path = tmp_path / "learner.db"
    from_dump(path, 1)
    before = path.read_bytes()
    with Store.to_read(path) as store:
        assert store.learners() == ["ada", "bob"]
        assert store.learner("ada") == Profile(id="ada", name="Ada")
        assert [answer.outcome for answer in store.answers("ada-microgpt")].count("wrong") == 3
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_makes_nothing_and_can_write_nothing(tmp_path, path):
    with Store.to_read(tmp_path / "home" / "learner.db") as store:
        assert (store.learners(), store.lessons(), store.answers("ada-microgpt")) == ([], [], [])
    for where in (path, tmp_path / "home" / "learner.db"):
        with Store.to_read(where) as store, pytest.raises(StoreError, match="cannot be written"):
            append(store)
    assert list(tmp_path.iterdir()) == [path]


def test_who_only_reads_sees_what_another_process_has_written_and_not_yet_put_into_the_file(path):
    with Store.open(path) as writer:
        append(writer, 3)
        with Store.to_read(path) as reader:
            assert len(numbers(reader)) == 203
            append(writer, 3)
            assert len(numbers(reader)) == 206


@AS_ROOT
def test_on_a_disk_that_cannot_be_written_it_is_read_all_the_same(mount_disk):
    folder = mount_disk("256k")
    from_dump(folder / "learner.db", 1)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    with Store.to_read(folder / "learner.db") as store:
        assert len(list(store.events("ada-microgpt"))) == 31


@AS_ROOT
def test_on_a_full_disk_it_is_read_or_one_line_says_what_to_do(small_disk):
    from_dump(small_disk / "learner.db", 1)
    free = os.statvfs(small_disk)
    (small_disk / "more").write_bytes(bytes(free.f_bavail * free.f_bsize))
    before = (small_disk / "learner.db").read_bytes()
    with pytest.raises(StoreError, match=r"disk is full.*Free some space"), Store.to_read(small_disk / "learner.db"):
        pass
    assert (small_disk / "learner.db").read_bytes() == before


@pytest.mark.parametrize("damage", ["a text file", "a newer version"])
def test_what_cannot_be_read_is_told_in_one_line_and_left_as_it_is(path, damage):
    if damage == "a text file":
        path.write_text("Dear diary,\n" * 1000)
    else:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"left as it (is|was)"):
        Store.to_read(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
