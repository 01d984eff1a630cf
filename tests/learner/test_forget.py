"""Forgotten is forgotten: no byte of a learner's words is left in any file, and of the others nothing changes."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microgpt.errors import StoreError
from microgpt.learner.database import MIGRATIONS, open_database
from microgpt.learner.evidence import Event
from microgpt.learner.forget import forget
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)
WORDS = "zebra-quark"  # in everything that ada ever said
DUMP = Path(__file__).parent / "fixtures" / "format-1.sql"


def say(store, learner, count, words):
    lesson = f"{learner}-microgpt"
    with store.transaction(lesson) as tx:
        for n in range(count):
            body = {"quote": f"{words} {n}", "pad": "x" * (n % 3000)}
            answer = {"insight": "i", "outcome": "wrong", "witnessed": True, "misconceptions": ["one", "two"]}
            kind, body = ("evidence", body | answer) if n % 10 == 0 else ("unparsed", body)  # answers are counted, too
            tx.append(Event(time=NOW, learner=learner, course="microgpt", lesson=lesson, kind=kind, body=body))
        tx.save({"said": f"{words} at last"})


@pytest.fixture
def path(tmp_path):
    """A record of two learners, one who says `WORDS`, with a copy of an older format and what was left of another."""
    path = tmp_path / "data" / "learner.db"
    with Store.open(path) as store:
        store.save_learner(Profile(id="ada", name=f"Ada {WORDS}", interests=WORDS))
        store.save_learner(Profile(id="bob", name="Bob"))
        for _ in range(3):
            say(store, "ada", 60, WORDS)
            say(store, "bob", 60, "I say")
    open_database(path, create=True, wait_s=1, migrations=(*MIGRATIONS, ("CREATE TABLE moods (name TEXT)",))).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE moods")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    shutil.copy(path, path.with_name("learner-format-9.partial"))
    path.with_name("voices-told.txt").write_text("ada example.org\nadam example.org\nbob example.org\n")
    return path


def traces(path, words=WORDS):
    """Return the files of the data folder that hold the words, as anybody would find them."""
    return {file.name for file in path.parent.iterdir() if words.encode() in file.read_bytes()}


def everything_of(path, learner):
    with Store.open(path) as store:
        lessons = store.lessons(learner)
        return store.learner(learner), lessons, [list(store.events(row.id)) for row in lessons]


def test_no_file_of_the_data_folder_holds_a_word_afterwards_and_the_others_keep_theirs(path):
    assert traces(path) == {
        "learner.db",
        f"learner-format-{len(MIGRATIONS)}.db",
        "learner-format-9.partial",
    }
    others, size = everything_of(path, "bob"), path.stat().st_size
    forget(path, "ada")
    assert path.stat().st_size < 0.7 * size
    assert traces(path) == set()
    assert traces(path, "ada-microgpt") == set()
    assert everything_of(path, "bob") == others
    assert everything_of(path, "ada") == (None, [], [])
    with Store.open(path.with_name(f"learner-format-{len(MIGRATIONS)}.db")) as copy:
        assert len(list(copy.events("bob-microgpt"))) == 180
    assert path.with_name("voices-told.txt").read_text() == "adam example.org\nbob example.org\n"
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_an_event_can_be_changed_or_deleted_no_more_than_before(path):
    def rules():
        with closing(sqlite3.connect(path)) as db:
            return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()

    before = rules()
    forget(path, "ada")
    assert rules() == before
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        db.execute("DELETE FROM events")


def test_a_learner_of_the_same_name_begins_anew(path):
    forget(path, "ada")
    with Store.open(path) as store:
        say(store, "ada", 2, "hello")
        assert [event.seq for event in store.events("ada-microgpt")] == [1, 2]


def test_words_that_another_window_has_just_written_go_too(path):
    with Store.open(path) as other:
        say(other, "ada", 5, WORDS)
        assert traces(path) >= {"learner.db-wal"}
        forget(path, "ada")
        assert traces(path) == set()
        say(other, "bob", 1, "still here")
        with pytest.raises(StoreError, match=r"in use|reads the file"), other.transaction("bob-microgpt"):
            forget(path, "bob", wait_s=0)


def test_while_another_process_reads_it_says_that_bytes_are_left_and_can_be_done_again(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        with pytest.raises(StoreError, match=r"another microgpt reads the file.* Try: close it, and forget"):
            forget(path, "ada", wait_s=0)
        reader.execute("COMMIT")
    forget(path, "ada")
    assert traces(path) == set()


def test_in_the_first_format_the_learner_is_forgotten_without_an_upgrade(tmp_path):
    path = tmp_path / "learner.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(DUMP.read_text(encoding="utf-8"))
    forget(path, "bob")
    assert traces(path, "Ünsal") == set()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT DISTINCT learner FROM events").fetchall() == [("ada",)]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_on_a_full_disk_one_line_says_so_and_with_room_it_is_done(mount_disk):
    path = mount_disk("512k") / "learner.db"
    with Store.open(path) as store:
        say(store, "ada", 60, WORDS)
    free = os.statvfs(path.parent)
    filler = path.with_name("filler")
    filler.write_bytes(bytes(free.f_bavail * free.f_bsize))
    with pytest.raises(StoreError, match="disk is full"):
        forget(path, "ada")
    assert everything_of_words(path) == 60
    filler.unlink()
    forget(path, "ada")
    assert traces(path) == set()


def everything_of_words(path):
    path.with_name("filler").unlink()
    with Store.to_read(path) as store:
        count = len(list(store.events("ada-microgpt")))
    path.with_name("filler").touch()
    return count


def test_where_there_is_no_record_none_is_made(tmp_path):
    with pytest.raises(StoreError):
        forget(tmp_path / "learner.db", "ada")
    assert list(tmp_path.iterdir()) == []
