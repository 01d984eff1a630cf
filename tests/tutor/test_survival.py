"""A lesson driven by several real processes at once, and one that cannot be written. Nothing lost, nothing twice.

`test_killed_lessons.py` has lessons whose processes are killed, `test_speed.py` the cost of a turn.
"""

import json
import subprocess
import sys
from collections import Counter

import pytest

from microgpt.errors import StoreError
from microgpt.learner.store import Store
from microgpt.tutor.fold import apply
from microgpt.tutor.state import LessonState

LESSON = "ada-microgpt"

# Answers whatever is open, as fast as it can, asking for a hint or passing now and then.
SWARM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from microgpt.errors import LessonError
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools

path, quote, calls = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Store.open(path) as store:
    tools = LessonTools(store, clock=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC), heard=lambda quote: True)
    turn = tools.start(learner="ada", goal="optimizer")
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(calls):
        try:
            if turn.ask is None:
                turn = tools.next(turn.lesson, turn.ack)
            elif n % 5 == 3:
                turn = tools.skip(turn.lesson, turn.ask.ask_id)
            elif n % 5 == 4:
                tools.hint(turn.lesson, turn.ask.ask_id)
            else:
                graded = tools.answer(turn.lesson, turn.ask.ask_id, quote or turn.ask.example)
                print(turn.ask.ask_id, graded.outcome, graded.parsed, flush=True)
                turn = graded.then
        except LessonError:
            turn = tools.next(turn.lesson)
"""


def spawn(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checked(path):
    """Return a record's events, once sure that they have no gap and that the saved state is what they come to."""
    with Store.open(path) as store:
        events = list(store.events(LESSON))
        body, seq = store.snapshot(LESSON)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert seq == len(events)
    state = LessonState()
    for event in events:
        state = apply(state, event)
    assert LessonState.from_json(body) == state
    closings = Counter(event.ask_id for event in events if event.kind in ("evidence", "skip"))
    assert not closings or max(closings.values()) == 1
    for kind in ("hint", "unparsed", "reveal"):
        counted = Counter((event.ask_id, json.dumps(event.body)) for event in events if event.kind == kind)
        assert not counted or max(counted.values()) == 1
    return events


@pytest.mark.slow
@pytest.mark.parametrize("quotes", [["[-7, -7]", "[-7, -7]"], ["[-7, -7]", "[-8, -8]"]])
def test_two_processes_that_answer_one_question_are_graded_once(tmp_path, quotes):
    path = tmp_path / "learner.db"
    processes = [spawn(SWARM, path, quote, 1) for quote in quotes]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    lines = []
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        lines.append(output.split(maxsplit=2))
    assert len({ask for ask, _, _ in lines}) == 1
    assert sum(event.kind == "evidence" for event in checked(path)) == 1
    outcomes = sorted(outcome for _, outcome, _ in lines)
    assert outcomes == (["wrong", "wrong"] if quotes[0] == quotes[1] else ["closed", "wrong"])


@pytest.mark.slow
def test_a_swarm_on_one_lesson_leaves_a_record_in_order(tmp_path):
    path = tmp_path / "learner.db"
    processes = [spawn(SWARM, path, quote, 25) for quote in ("", "", "", "nonsense")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    given = Counter()
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        given.update(line.split()[0] for line in output.splitlines() if line.split()[1] in ("right", "wrong"))
    events = checked(path)
    graded = {event.ask_id for event in events if event.kind == "evidence" and event.body["outcome"] != "gave_up"}
    assert set(given) <= graded
    assert len(graded) > 5
    assert len(events) > 50


def test_a_contest_that_is_sent_again_takes_an_answer_back_once(classroom, course, tool):
    """As after a kill between a tool and its caller."""
    taught, name = course, "softmax-makes-shares"
    for question in course.lock.insights[name].questions:
        taught = tool.with_question(taught, name, question.id, key=[9.0] * len(question.key))
    room = classroom(taught)
    turn = room.start()
    ask = turn.ask.ask_id
    room.answer(ask, json.dumps(course.questions(name)[room.question(turn).id].key))
    first, second = (room.tools.contest(room.lesson, ask, "I computed it") for _ in range(2))
    assert first == second
    assert not first.upheld
    room.check_record()
    assert len(room.events("void")) == 1


# ---- a record that cannot be written


def test_a_full_disk_is_one_sentence_and_the_lesson_goes_on_where_it_was(tmp_path):
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from pathlib import Path
from datetime import UTC, datetime
from microgpt.errors import StoreError
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools
with Store.open(Path(sys.argv[1])) as store:
    tools = LessonTools(store, clock=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC))
    turn = tools.start(learner="ada")
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(sys.argv[1] + "-wal").stat().st_size, -1))
    try:
        tools.skip(turn.lesson, turn.ask.ask_id)
    except StoreError as error:
        assert "disk is full" in str(error), error
        assert tools.next({LESSON!r}) == turn
        print(turn.ask.ask_id)
"""
    path = tmp_path / "learner.db"
    process = spawn(code, path)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    before = checked(path)
    assert [event.kind for event in before] == ["start", "turn", "ask"]
    assert output.strip() == before[-1].ask_id


def test_a_record_of_another_user_or_of_a_newer_microgpt_is_one_sentence(tmp_path, room):
    newer = tmp_path / "newer.db"
    with Store.open(newer) as store:
        store._db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer microgpt"):
        Store.open(newer)
    turn = room.start()
    room.store._db.execute("PRAGMA query_only = 1")  # as where no file may be made
    for call in (lambda: room.tools.skip(room.lesson, turn.ask.ask_id), lambda: room.tools.start(learner="bob")):
        with pytest.raises(StoreError, match="cannot be written by this user"):
            call()
    assert len(room.progress().insights) == 3  # reading goes on
