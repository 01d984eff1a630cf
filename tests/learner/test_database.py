"""The file under the record, in a world of full disks, other users, newer versions and broken bytes."""

import os
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microgpt.errors import StoreError
from microgpt.learner.database import MIGRATIONS, default_path, open_database
from microgpt.learner.evidence import Event
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.state import LessonState

NOW = datetime(2026, 1, 5, tzinfo=UTC)
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, or mount a small disk")
NOBODY = 65534


def event(n):
    return Event(
        time=NOW, learner="ada", course="microgpt", lesson="ada-microgpt", kind="turn", body={"n": n, "pad": "x" * 200}
    )


def append(store, count=1):
    with store.transaction("ada-microgpt") as tx:
        for _ in range(count):
            tx.append(event(tx.seq + 1))


def numbers(store):
    return [event.body["n"] for event in store.events("ada-microgpt")]


@pytest.fixture
def path(tmp_path):
    """A record of 200 events, closed: all in one file."""
    path = tmp_path / "learner.db"
    with Store.open(path) as store:
        append(store, 200)
    return path


def mode(path):
    return oct(path.stat().st_mode & 0o777)


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


def at_once(count, work):
    """Run it in threads that start together; return what they raised."""
    errors, start = [], threading.Barrier(count)

    def run():
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_many_that_open_a_new_record_at_once_all_succeed(tmp_path):
    def work():
        with Store.open(tmp_path / "learner.db") as store:
            append(store)

    assert at_once(8, work) == []
    with Store.open(tmp_path / "learner.db") as store:
        assert numbers(store) == list(range(1, 9))


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


@pytest.fixture
def small_disk(mount_disk):
    """A real file system of 256 kB, with 128 kB of it taken by a file that can be deleted."""
    folder = mount_disk("256k")
    (folder / "ballast").write_bytes(bytes(128 * 1024))
    return folder


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


# ---- Migrations

LATEST = len(MIGRATIONS)
NEXT = (*MIGRATIONS, ("ALTER TABLE events ADD COLUMN mood TEXT", "CREATE TABLE moods (name TEXT)"))
BROKEN = (*NEXT, ("CREATE TABLE half (x)", "ALTER TABLE nowhere ADD COLUMN x"))


def test_an_older_format_is_copied_then_brought_up_to_date(path):
    leftover = path.with_name(f"learner-format-{LATEST}.partial")
    leftover.write_text("what a killed process left")
    open_database(path, create=True, wait_s=1, migrations=NEXT).close()
    with closing(open_database(path, create=True, wait_s=1, migrations=NEXT)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (LATEST + 1,)
        assert db.execute("SELECT count(*), max(mood) FROM events").fetchone() == (200, None)
    copy = path.with_name(f"learner-format-{LATEST}.db")
    assert sorted(path.parent.iterdir()) == [copy, path]
    assert mode(copy) == "0o600"
    with Store.open(copy) as store:
        assert numbers(store) == list(range(1, 201))


def test_a_migration_that_fails_half_way_leaves_the_file_in_its_old_format(path):
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no such table"):
        open_database(path, create=True, wait_s=1, migrations=BROKEN)
    assert path.read_bytes() == before
    with Store.open(path) as store:
        append(store)
        assert numbers(store) == list(range(1, 202))


def test_many_that_migrate_at_once_do_it_once(path):
    assert at_once(4, lambda: open_database(path, create=True, wait_s=10, migrations=NEXT).close()) == []


@AS_ROOT
def test_without_room_for_a_copy_an_older_format_is_not_touched(small_disk):
    path = small_disk / "learner.db"
    with Store.open(path) as store:
        append(store, 30)
    free = os.statvfs(small_disk)
    (small_disk / "more").write_bytes(bytes(free.f_bavail * free.f_bsize - 48 * 1024))
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is full"):
        open_database(path, create=True, wait_s=1, migrations=NEXT)
    assert path.read_bytes() == before
    assert {file.name for file in small_disk.iterdir()} == {"learner.db", "ballast", "more"}


def test_a_record_of_a_newer_version_is_left_alone_and_the_way_to_upgrade_said(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"format 7.*newer.*pip install --upgrade microgpt-tutor"):
        Store.open(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def from_dump(path, version):
    """Make the record that a released version wrote."""
    dump = Path(__file__).parent / "fixtures" / f"format-{version}.sql"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(dump.read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode = WAL")
    path.chmod(0o600)


def rows(path):
    """Return what a record holds, less what its format added."""
    with closing(sqlite3.connect(path)) as db:
        events = db.execute("SELECT lesson, seq, time, learner, course, kind, ask_id, body FROM events").fetchall()
        return events, db.execute("SELECT id, name, language FROM learners").fetchall()


def test_the_first_format_is_read_after_a_copy_with_every_event_and_learner_and_the_lesson_goes_on(tmp_path):
    path = tmp_path / "learner.db"
    from_dump(path, 1)
    before = rows(path)
    with Store.open(path) as store:
        assert store.learner("bob") == Profile(id="bob", name="Bob Ünsal")
        assert len(list(store.events("ada-microgpt"))) == 31
        assert LessonState.from_json(store.snapshot("ada-microgpt")[0]).ask is not None
        store.save_learner(Profile(id="bob", name="Bob", interests="chess", minutes=20))
        assert store.learner("bob") == Profile(id="bob", name="Bob", interests="chess", minutes=20)
        with store.transaction("ada-microgpt") as tx:
            assert tx.append(event(0)).seq == 32
    copy = path.with_name("learner-format-1.db")
    assert rows(copy) == before
    assert sorted(tmp_path.iterdir()) == [copy, path]


def test_migrated_the_first_format_has_the_tables_of_a_new_record(tmp_path):
    def schema(path):
        with Store.open(path) as store:
            return sorted(store._db.execute("SELECT type, name, sql FROM sqlite_master"), key=str)

    def columns(path):
        with Store.open(path) as store:
            return [store._db.execute(f"PRAGMA table_info({table})").fetchall() for table in ("events", "learners")]

    from_dump(tmp_path / "learner.db", 1)
    assert [row[:2] for row in schema(tmp_path / "learner.db")] == [row[:2] for row in schema(tmp_path / "new.db")]
    assert columns(tmp_path / "learner.db") == columns(tmp_path / "new.db")


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


# ---- Broken bytes


def use_everything(path):
    with Store.open(path) as store:
        numbers(store)
        store.lessons()
        store.learner("ada")
        append(store)


def overwrite(path, at, count, rng):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(rng.randbytes(count))


@pytest.mark.parametrize("damage", ["header", "middle", "half", "fifty bytes", "a text file"])
def test_a_damaged_record_is_told_in_one_line_and_left_as_it_is(path, damage):
    rng, size = random.Random(0), path.stat().st_size
    match damage:
        case "header":
            overwrite(path, 0, 100, rng)
        case "middle":
            overwrite(path, size // 4, size // 2, rng)
        case "half":
            os.truncate(path, size // 2)
        case "fifty bytes":
            os.truncate(path, 50)
        case _:
            path.write_text("Dear diary,\n" * 1000)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"left as it is\. Try: .*move it away") as caught:
        use_everything(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(40))
def test_wherever_a_few_bytes_are_broken_the_record_works_or_says_that_it_does_not(path, seed):
    rng = random.Random(seed)
    for _ in range(3):
        overwrite(path, rng.randrange(path.stat().st_size), rng.randrange(1, 40), rng)
    with suppress(StoreError):
        use_everything(path)


@pytest.mark.parametrize(
    ("column", "value"), [("body", "{"), ("time", "yesterday"), ("kind", "guess"), ("body", b'"\xff"')]
)
def test_a_damaged_text_in_a_sound_file_is_told_too(path, column, value):
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER events_are_not_changed")
        db.execute(f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE seq = 200", (value,))
        db.commit()
    with Store.open(path) as store, pytest.raises(StoreError, match="is damaged"):
        numbers(store), store.lessons()


def test_a_damaged_snapshot_is_told_too(path):
    with Store.open(path) as store:
        store._db.execute("INSERT INTO snapshots VALUES ('ada-microgpt', 1, '{')")
        with pytest.raises(StoreError, match="is damaged"), store.transaction("ada-microgpt"):
            pytest.fail("half a state was handed out")
