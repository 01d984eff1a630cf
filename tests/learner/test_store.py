"""The record: events are added and never changed, a block happens as a whole, and its cost does not grow."""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.errors import StoreError
from microgpt.learner.evidence import Event
from microgpt.learner.profile import Profile
from microgpt.learner.store import LessonRow, Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def turn(lesson="ada-microgpt", n=0):
    learner, course = lesson.split("-")
    return Event(
        time=NOW + timedelta(seconds=n), learner=learner, course=course, lesson=lesson, kind="turn", body={"n": n}
    )


def fold(state, event):
    """A toy reducer: its result depends on every event and on their order."""
    return {"count": state["count"] + 1, "mixed": (state["mixed"] * 31 + event.body["n"]) % 1_000_003}


START = {"count": 0, "mixed": 7}
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["ada-a", "ada-b", "bob-a"]), st.lists(st.integers(0, 9), max_size=3), st.booleans()),
    max_size=12,
)


@given(BLOCKS)
def test_a_snapshot_is_the_fold_of_its_lessons_events_and_an_interrupted_block_leaves_nothing(blocks):
    expected = {lesson: [] for lesson in ("ada-a", "ada-b", "bob-a")}
    with Store.in_memory() as store:
        for lesson, numbers, interrupted in blocks:
            with suppress(InterruptedError), store.transaction(lesson) as tx:
                state = tx.state or START
                assert tx.seq == tx.state_seq == state["count"]
                for n in numbers:
                    state = fold(state, tx.append(turn(lesson, n)))
                tx.save(state)
                if interrupted:
                    raise InterruptedError
                expected[lesson] += numbers
        for lesson, numbers in expected.items():
            events = list(store.events(lesson))
            assert [event.body["n"] for event in events] == numbers
            assert [event.seq for event in events] == list(range(1, len(numbers) + 1))
            with store.transaction(lesson) as tx:
                assert (tx.state or START) == reduce(fold, events, START)


def test_events_after_the_snapshot_can_be_folded_on_top_of_it():
    with Store.in_memory() as store:
        with store.transaction("ada-microgpt") as tx:
            tx.save(fold(START, tx.append(turn(n=1))))
        with store.transaction("ada-microgpt") as tx:
            tx.append(turn(n=2))
        with store.transaction("ada-microgpt") as tx:
            assert (tx.state_seq, tx.seq) == (1, 2)
            rest = store.events("ada-microgpt", after=tx.state_seq)
            assert reduce(fold, rest, tx.state) == reduce(fold, store.events("ada-microgpt"), START)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}' WHERE seq = 1",
        "UPDATE OR REPLACE events SET seq = 2 WHERE seq = 1",
        "DELETE FROM events WHERE seq = 2",
        "DELETE FROM events",
        "REPLACE INTO events SELECT * FROM events WHERE seq = 2",
        "INSERT INTO events SELECT lesson, 4, time, learner, course, kind, ask_id, body FROM events WHERE seq = 2",
        "INSERT INTO events SELECT 'bob-a', 0, time, learner, course, kind, ask_id, body FROM events WHERE seq = 2",
    ],
)
def test_no_statement_changes_removes_or_misnumbers_an_event(tmp_path, statement):
    path = tmp_path / "learner.db"
    with Store.open(path) as store:
        with store.transaction("ada-microgpt") as tx:
            written = [tx.append(turn(n=n)) for n in range(2)]
        with sqlite3.connect(path) as stranger, pytest.raises(sqlite3.IntegrityError, match="an event is"):
            stranger.execute(statement)
        stranger.close()
        assert list(store.events("ada-microgpt")) == written


def fill(store, lesson, count):
    """Add events in one statement: 100,000 through `append` would take seconds."""
    learner, course = lesson.split("-")
    store._db.execute(
        """
        WITH RECURSIVE n(seq) AS (SELECT max(seq) + 1 FROM events WHERE lesson = :id UNION ALL SELECT seq + 1 FROM n)
        INSERT INTO events SELECT :id, seq, :time, :learner, :course, 'turn', '', '{"n":0}' FROM n LIMIT :count""",
        {"id": lesson, "time": NOW.isoformat(), "learner": learner, "course": course, "count": count},
    )


def steps(store, work):
    """Count the instructions that SQLite's virtual machine runs: what a clock would say, without its noise."""
    count = 0

    def tick():
        nonlocal count
        count += 1
        return 0

    store._db.set_progress_handler(tick, 1)
    work()
    store._db.set_progress_handler(None, 1)
    return count


def test_with_a_hundred_times_the_events_a_block_takes_not_one_step_more():
    def block():
        with store.transaction("ada-microgpt") as tx:
            tx.append(turn(n=tx.seq))
            tx.save({"seq": tx.seq})

    def read_the_latest():
        assert len(list(store.events("ada-microgpt", after=last))) == 1
        assert len(store.lessons("ada")) == 1

    costs = []
    with Store.in_memory() as store:
        block()
        for events in (1_000, 99_000):
            for lesson in ("ada-microgpt", "bob-microgpt"):
                with store.transaction(lesson) as tx:
                    if tx.seq == 0:
                        tx.append(turn(lesson))
                fill(store, lesson, events // 2)
            block()
            with store.transaction("ada-microgpt") as tx:
                last = tx.seq - 1
            costs.append((steps(store, block), steps(store, lambda: [block() for _ in range(3)])))
            last += 4
            costs[-1] += (steps(store, read_the_latest),)
    assert costs[0] == costs[1]
    assert costs[0][0] < 500


def test_a_lesson_is_listed_with_its_learner_course_and_latest_time():
    with Store.in_memory() as store:
        assert store.lessons() == []
        for n, lesson in enumerate(["ada-b", "bob-a", "ada-a", "ada-b"]):
            with store.transaction(lesson) as tx:
                tx.append(turn(lesson, n))
        rows = [
            LessonRow(id="ada-a", learner="ada", course="a", last=NOW + timedelta(seconds=2)),
            LessonRow(id="ada-b", learner="ada", course="b", last=NOW + timedelta(seconds=3)),
            LessonRow(id="bob-a", learner="bob", course="a", last=NOW + timedelta(seconds=1)),
        ]
        assert store.lessons() == rows
        assert store.lessons("ada") == rows[:2]
        assert store.lessons("eve") == []


def test_a_profile_is_kept_and_replaced_and_a_stranger_has_none(tmp_path):
    with Store.open(tmp_path / "learner.db") as store:
        assert store.learner("ada") is None
        store.save_learner(Profile(id="ada", name="Ada"))
        store.save_learner(Profile(id="ada", name="Augusta Ada 🧮", language="de"))
    with Store.open(tmp_path / "learner.db") as store:
        assert store.learner("ada") == Profile(id="ada", name="Augusta Ada 🧮", language="de")


def test_while_one_process_holds_a_block_others_read_what_was_before_and_one_that_writes_is_told(tmp_path):
    path = tmp_path / "learner.db"
    with Store.open(path) as one, Store.open(path, wait_s=0) as other:
        with one.transaction("ada-microgpt") as tx:
            tx.append(turn())
            assert list(other.events("ada-microgpt")) == []
            with pytest.raises(StoreError, match="in use: another microgpt"), other.transaction("ada-microgpt"):
                pytest.fail("two writers at once")
        with other.transaction("ada-microgpt") as tx:
            assert tx.seq == 1


def test_a_block_takes_no_event_that_is_stored_already_or_of_another_lesson_and_none_once_it_has_ended():
    with Store.in_memory() as store:
        with store.transaction("ada-a") as tx:
            stored = tx.append(turn("ada-a"))
            with pytest.raises(AssertionError, match="stored already, as 1"):
                tx.append(stored)
        with pytest.raises(AssertionError, match="has ended"):
            tx.append(turn("ada-a"))
        with pytest.raises(AssertionError, match="has ended"):
            tx.save({})
        with (
            pytest.raises(AssertionError, match="'bob-b' in a transaction on 'ada-a'"),
            store.transaction("ada-a") as tx,
        ):
            tx.append(turn("bob-b"))
