"""What a job does to its process, to its output and to the jobs after it costs only itself."""

import os
import select
import threading

import pytest

from microgpt.sandbox import Limits, Outcome
from microgpt.sandbox.inside.supervisor import Template, wait
from microgpt.sandbox.inside.template import Bounds
from tests.sandbox.jobs import ask, ask_one

BOUNDS = Bounds(
    wall_s=10, cpu_s=1, memory_bytes=1, processes=None, file_bytes=1, output_bytes=10000, uid=None, walls=None
)


def test_prints_do_not_disturb_the_answer() -> None:
    source = 'print(\'{"number": 0, "kind": "value", "value": "printed"}\', flush=True)'
    expression = "[print('{\"ended\": 0}', flush=True), 1][1]"
    assert ask_one(source, expression) == Outcome(kind="value", value=1)


def test_what_a_job_prints_at_its_end_is_not_counted_for_the_next() -> None:
    outcomes = ask("", *["[print('x' * 20000, flush=True), 1][1]"] * 5, limits=Limits(output_kb=25))
    assert [outcome.kind for outcome in outcomes] == ["value"] * 5


def test_what_is_left_in_the_pipe_from_the_job_before_is_not_counted() -> None:
    starts, go = os.pipe()
    lines, answers = os.pipe()
    prints, stdout = os.pipe()
    os.write(stdout, bytes(20000))

    def job() -> None:
        os.read(starts, 1)
        os.write(answers, b'{"number": 3, "kind": "value", "value": 5}\n{"number": 3, "ended": 0}\n')

    threading.Thread(target=job).start()
    answer = wait(Template(0, go, lines, prints), 3, BOUNDS)
    assert (answer.message["value"], answer.template_lives) == (5, True)
    for fd in (starts, go, lines, answers, prints, stdout):
        os.close(fd)


def test_a_job_that_closes_its_output_does_not_keep_the_supervisor_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, go = os.pipe()
    lines, answers = os.pipe()
    prints, stdout = os.pipe()
    os.close(stdout)
    times: list[float] = []

    class CountedPoll:
        def __init__(self) -> None:
            self._poll = real_poll()
            self.register, self.unregister = self._poll.register, self._poll.unregister

        def poll(self, timeout: float) -> list[tuple[int, int]]:
            times.append(timeout)
            assert len(times) < 9, "it asks again and again"
            return self._poll.poll(timeout)

    real_poll = select.poll
    monkeypatch.setattr(select, "poll", CountedPoll)
    assert wait(Template(0, go, lines, prints), 3, {**BOUNDS, "wall_s": 0.1}).message["kind"] == "timeout"
    assert len(times) == 2  # the first tells that it is closed
    for fd in (starts, go, lines, answers, prints):
        os.close(fd)


def test_a_program_that_forks_still_answers_each_job_once() -> None:
    outcomes = ask("import os\nos.fork()", *map(str, range(10)))
    assert [outcome.value for outcome in outcomes] == list(range(10))


def test_an_expression_that_forks_is_answered_by_the_process_that_began_it() -> None:
    source = "import os\ndef twins():\n    if os.fork() == 0: return 'child'\n    os.wait()\n    return 'parent'\n"
    assert ask_one(source, "twins()").value == "parent"


FORGED = {
    '"kind": "value", "value": 1e999': "its process ended without an answer",
    '"kind": "value", "value": ' + "[" * 900 + "]" * 900: "its process ended without an answer",
    r'"kind": "value", "value": {"\ud800": 1}': "its process ended without an answer",
    '"kind": "bliss"': "its process ended without an answer",
    '"kind": "value", "notes": 7': "its process ended without an answer",
    '"kind": 7': "it ended its own process, with status 0",
    '"ended": "never"': "it ended its own process, with status 0",
    '"ended": 123456789012': "it ended its own process, with status 0",
    r'"kind": "killed", "detail": "two\nlines"': "two lines",
    r'"kind": "killed", "detail": "\u001b[2J\ud800"': "?[2J?",
    '"kind": "killed", "detail": "' + "x" * 9999 + '"': "x" * 600,
}


def test_a_forged_answer_harms_neither_the_supervisor_nor_the_caller() -> None:
    source = """
import os
def forge(number, text):
    for fd in range(3, 64):
        try:
            os.write(fd, b'{"number": %d, %s}\\n' % (number, text.encode()))
        except OSError:
            pass
    os._exit(0)
"""
    expressions = [f"forge({number}, {text!r})" for number, text in enumerate(FORGED)]
    *forged, last = ask(source, *expressions, "'fine'")
    assert forged == [Outcome(kind="killed", detail=detail) for detail in FORGED.values()]
    assert last.value == "fine"


def test_a_job_is_not_blamed_for_what_an_earlier_one_left_behind() -> None:
    source = """
import os, time
TEMPLATE = os.getpid()
def leave_an_assassin():
    job = os.getpid()
    if os.fork() == 0:
        while os.getppid() == job: pass
        os.kill(TEMPLATE, 9)
        time.sleep(99)
"""
    outcomes = ask(source, "leave_an_assassin()", "time.sleep(0.5)", "3")
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3
