"""Broken bytes: the record works, or one line says what to do, and the file is left as it is."""

import os
import random
import sqlite3
from contextlib import closing, suppress

import pytest

from microgpt.errors import StoreError
from microgpt.learner.store import Store
from tests.learner.records import append, numbers


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
