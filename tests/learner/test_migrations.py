"""A record of an older format is copied and brought up to date; one of a newer is left alone."""

import os
import sqlite3
from contextlib import closing

import pytest

from microgpt.errors import StoreError
from microgpt.learner.database import MIGRATIONS, open_database
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.state import LessonState
from tests.learner.records import AS_ROOT, append, at_once, event, from_dump, mode, numbers

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
        answers = store.answers("ada-microgpt")  # which the next format counts
        assert sum(mistake.signs for mistake in store.mistakes("ada-microgpt")) == sum(
            len(answer.misconceptions) for answer in answers
        )
        assert sum(heard.wrong for heard in store.heard("ada-microgpt").values()) == 3
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
