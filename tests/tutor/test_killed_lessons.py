"""Two hundred lessons, killed at any moment and gone on with: the record is that of lessons that were never killed."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from microgpt.learner.store import Store
from microgpt.tutor.fold import apply
from microgpt.tutor.state import LessonState

SCRIPT = Path(__file__).parent / "killed_lessons.py"
KINDS = {
    "answer": "evidence",
    "reveal": "evidence",
    "hint": "hint",
    "skip": "skip",
    "unparsed": "unparsed",
}


def killed_lessons(folder, seed, count):
    """Return what was acknowledged in lessons that were killed; both records are in the folder."""
    command = [sys.executable, SCRIPT, folder, str(seed), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(store, events):
    """Check that a lesson's events have no gap and nothing twice, and that the saved state is what they come to."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    state = LessonState()
    for event in events:
        state = apply(state, event)
    body, seq = store.snapshot(events[0].lesson)
    assert (LessonState.from_json(body), seq) == (state, len(events))
    for kinds in (("evidence", "skip"), ("ask",), ("hint",), ("reveal",), ("unparsed",), ("void",)):
        counted = Counter(event.ask_id for event in events if event.kind in kinds)
        assert not counted or max(counted.values()) == 1
    turns = [event.body["turn"] for event in events if event.kind == "ack"]
    assert len(set(turns)) == len(turns)


def happened(acts, events):
    """Check that each act that was acknowledged is in the record, once."""
    for kind, ask, result in acts:
        if kind in KINDS:
            [event] = [event for event in events if event.kind == KINDS[kind] and event.ask_id == ask]
            assert kind not in ("answer", "reveal") or event.body["outcome"] == result
        if kind == "contest" and not result:
            assert [event.ask_id for event in events if event.kind == "void"].count(ask) == 1


def told(events):
    """Return what happened, but for when."""
    return [(e.kind, e.ask_id, {**e.body, "time": "", "asked": "", "milliseconds": 0}) for e in events]


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1000, 2), *(pytest.param(seed, 20, marks=pytest.mark.slow) for seed in range(0, 200, 20))],
)
@pytest.mark.timeout(600)  # its seconds are those of the disk: each of about 2,000 acts waits for it
def test_killed_at_any_moment_lessons_go_on_with_no_event_lost_and_none_twice(tmp_path, seed, count):
    lessons = killed_lessons(tmp_path, seed, count)
    kills, kinds = 0, Counter()
    with ExitStack() as stack:
        whole, killed = (stack.enter_context(Store.open(tmp_path / f"{name}.db")) for name in ("whole", "killed"))
        for lesson in lessons:
            expected, events = (list(store.events(lesson["lesson"])) for store in (whole, killed))
            check(whole, expected)
            check(killed, events)
            happened(lesson["acts"], events)
            assert told(events) == told(expected)
            kills += lesson["kills"]
            kinds.update(event.kind for event in events)
    assert len(lessons) == count
    assert kills >= count
    if count > 3:
        assert kinds.keys() >= {"start", "turn", "ack", "ask", "hint", "unparsed", "evidence", "skip", "reveal", "void"}
