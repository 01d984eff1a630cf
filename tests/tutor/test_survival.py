"""Lessons in real processes: killed at any moment, and driven by several at once. Nothing lost, nothing twice."""

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from microgpt.errors import StoreError
from microgpt.learner.store import Store
from microgpt.tutor.fold import apply
from microgpt.tutor.state import LessonState
from microgpt.tutor.tools import LessonTools

LESSON = "ada-microgpt"

# A learner whose every act follows from the turn alone: asks for a hint, talks nonsense, skips, reveals, is wrong, is
# right. Says each act once the tool has returned. The clock follows from the turn too, so that runs can be compared.
DRIVER = """
import json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools, teachable

path = Path(sys.argv[1])
taught, now = teachable("microgpt"), [datetime(2026, 1, 5, 9, tzinfo=UTC)]

def said(*what):
    print(json.dumps(what), flush=True)

def act(tools, turn):
    lesson, ask = turn.lesson, turn.ask.ask_id
    if turn.move == "practise":
        words = "a" if turn.ask.options else str(turn.say["source"]["start"])
        said("answer", ask, tools.answer(lesson, ask, words).outcome)
        return
    question = next(q for q in taught.questions(turn.say["insight"]).values() if turn.ask.text.endswith(q.ask)
                    and all(json.dumps(value) in turn.ask.text for value in q.inputs.values()))
    kind = turn.turn % 7
    if turn.ask.holdout:
        kind = 6
    if kind == 0:
        said("skip", ask, tools.skip(lesson, ask).turn)
        return
    if kind == 1:
        said("reveal", ask, tools.reveal(lesson, ask).outcome)
        return
    if kind == 2 and not any(event.kind == "hint" and event.ask_id == ask for event in store.events(lesson)):
        said("hint", ask, tools.hint(lesson, ask).rung)
    if kind == 3:
        said("unparsed", ask, tools.answer(lesson, ask, "what?").outcome)
    belief = turn.turn % 5 and next(iter(question.shows))
    given = question.answers[belief] if belief else None
    answer = given if isinstance(given, (float, list)) else question.key
    said("answer", ask, tools.answer(lesson, ask, json.dumps(answer)).outcome)

with Store.open(path) as store:
    tools = LessonTools(store, clock=lambda: now[0], heard=lambda quote: True, may_run=lambda: False)
    said("ready", "", 0)
    turn = tools.start(learner="ada", goal="optimizer")
    while True:
        now[0] = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(minutes=turn.turn)
        if turn.ask is not None:
            act(tools, turn)
        elif turn.move == "finish":
            tools.next(turn.lesson, turn.ack)
            said("finished", "", turn.turn)
            break
        else:
            said("next", "", tools.next(turn.lesson, turn.ack).turn)
        turn = tools.next(turn.lesson)
"""

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


def happened(acts, events):
    """Check that each act that was acknowledged is in the record, once."""
    kinds = {"answer": "evidence", "reveal": "evidence", "hint": "hint", "skip": "skip", "unparsed": "unparsed"}
    for kind, ask, result in acts:
        if kind in kinds:
            [event] = [event for event in events if event.kind == kinds[kind] and event.ask_id == ask]
            assert kind not in ("answer", "reveal") or event.body["outcome"] == result


@pytest.mark.slow
def test_killed_at_fifty_moments_a_lesson_goes_on_with_no_event_lost_and_none_twice(tmp_path):
    driver = spawn(DRIVER, tmp_path / "whole.db")
    output, errors = driver.communicate()
    assert driver.returncode == 0, errors
    assert '"finished"' in output
    whole = checked(tmp_path / "whole.db")
    rng, kills = random.Random(7), 0
    while kills < 50:  # a lesson is over after about so many, on a fast machine earlier: then comes another one
        path = tmp_path / f"killed-{kills}.db"
        kills += killed_until_finished(path, rng, 50 - kills)
        assert told(checked(path)) == told(whole)
        assert progress(path) == progress(tmp_path / "whole.db")


def killed_until_finished(path, rng, most):
    """Start a driver again and again, killing the first so many; return how many died."""
    kills, acts, before = 0, [], []
    while not any(kind == "finished" for kind, _, _ in acts):
        driver = spawn(DRIVER, path)
        if kills < most:
            acts += [json.loads(driver.stdout.readline()) for _ in range(rng.choice((1, 1, 1, 2)))]  # ready, and an act
            with suppress(subprocess.TimeoutExpired):
                driver.wait(timeout=rng.uniform(0, 0.015))
            driver.kill()
        rest, errors = driver.communicate()
        assert driver.returncode in (0, -signal.SIGKILL), errors
        kills += driver.returncode == -signal.SIGKILL
        acts += map(json.loads, rest.splitlines())
        if path.stat().st_size and (events := checked(path)):
            assert events[: len(before)] == before
            happened(acts, events)
            before = events
    return kills


def told(events):
    """Return what happened, but for when, and when it was said."""
    bodies = [(e.kind, e.ask_id, {**e.body, "time": "", "asked": "", "milliseconds": 0}) for e in events]
    return [body for body in bodies if body[0] != "ack"]


def progress(path):
    with Store.open(path) as store:
        return LessonTools(store, clock=lambda: None).progress(LESSON)


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


# ---- the cost of a turn


def test_a_turn_costs_the_same_after_many_events(classroom, course):
    """Counted in SQLite's own steps and in events read, not in seconds."""

    def cost(events):
        room = classroom(course)
        turn = room.tools.start(learner="ada")
        with room.store.transaction(room.lesson) as tx:
            state = tx.state
            filler = replace(next(room.store.events(room.lesson)), seq=0)
            for _ in range(events):
                tx.append(filler)
            tx.save(state)
        steps = [0]
        room.store._db.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 1)
        turn = room.tools.next(room.lesson, turn.ack)
        turn = room.tools.answer(room.lesson, turn.ask.ask_id, "[1, 0, 0]").then
        room.tools.hint(room.lesson, turn.ask.ask_id)
        room.tools.skip(room.lesson, turn.ask.ask_id)
        room.tools.progress(room.lesson)
        return steps[0]

    few, many = cost(1_000), cost(20_000)
    assert few == many
    assert few < 5_000
