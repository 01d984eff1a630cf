"""A model's words are on the screen while they come: a real terminal, a real server, a stream that stops midway."""

import os
import re
import threading

import pytest
from rich.cells import cell_len

from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from tests.window import TUTOR, open_window

pytestmark = pytest.mark.slow

FIRST = "Every share is positive, and **all** of them add up to one, whatever the scores were before."
SECOND = "The largest score gets the largest share."
ASKS = "Do you see why that must be so, wherever you look?"
GRADES = "That is correct, by the way."
SPEECH = f"{FIRST} {GRADES} {SECOND} {ASKS} So the code divides by their sum."


@pytest.fixture(autouse=True)
def known() -> None:
    """Give the learner a name, so that no model is trained first."""
    with Store.open(default_path(os.environ)) as store:
        store.save_learner(Profile(id="me", name="Ada"))


@pytest.fixture
def gate() -> threading.Event:
    """Opened by a test when a model may speak on."""
    return threading.Event()


def halting(text: str, after: str, gate: threading.Event, *, cut: bool = False):
    """Say a text as far as `after`, and the rest once the gate is open; or else hang up."""

    def act(handler):
        handler.begin()
        said = ""
        for event in handler.events(text, [], {}):
            handler.chunk(event)
            said += "".join(re.findall(r'"(?:text|content)": "([^"]*)"', event))
            if after in said and not gate.is_set():
                gate.wait(60)
                if cut:
                    return
        handler.end()

    return act


def sit(server, *args: str, columns: int = 80, rows: int = 200):
    voice = ["--voice", server.protocol, "--base-url", server.url, "--model", "any"]
    return open_window(*TUTOR, *voice, *args, columns=columns, rows=rows)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_sentence_is_shown_when_it_is_whole_and_the_rest_as_it_comes(server, gate, columns):
    server.script.append(halting(SPEECH, "The largest score", gate))
    with sit(server, columns=columns) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        first = FIRST.replace("**", "")
        screen.wait_for("whatever the scores were before.")
        assert SECOND not in " ".join(" ".join(screen.rows).split())  # whether it asks, the next letter may tell
        gate.set()
        screen.wait_for("divides by their sum.")
        screen.type("q\r")
        assert screen.close() == 0
    shown = " ".join(" ".join(screen.rows).split())
    assert f"> why is that? {first} {SECOND} So the code divides by their sum. " in shown
    assert shown.count("So the code divides by their sum.") == 1
    assert max(cell_len(part) for line in screen.text.split("\n") for part in line.split("\r")) <= columns
    assert not [row for row in screen.rows if row.endswith("...")]


def test_what_asks_or_grades_is_never_on_the_screen_not_for_a_moment(server, gate):
    server.script.append(halting(SPEECH, ASKS, gate))
    with sit(server) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        screen.wait_for(SECOND)
        gate.set()
        screen.wait_for("divides by their sum.")
        screen.type("q\r")
        screen.close()
    assert "Do you see" not in screen.words
    assert "That is correct" not in screen.words


def test_a_stream_that_is_cut_leaves_what_was_shown_and_one_line_and_the_lesson_goes_on(server, gate):
    server.script.append(halting(SPEECH, "The largest score", gate, cut=True))
    with sit(server) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        screen.wait_for("whatever the scores were before.")
        gate.set()
        screen.wait_for("Nothing in this course fits.")
        screen.type("why then?\r")  # the model is asked again
        screen.wait_for("Numbers first, words later.")
        screen.type("q\r")
        assert screen.close() == 0
    shown = " ".join(" ".join(screen.rows).split())
    assert re.search(
        r"scores were before\. The answer of 127.0.0.1 broke off or made no sense\. This once, in plain words;", shown
    )
    assert shown.count("whatever the scores were before.") == 1


def test_ctrl_c_while_a_model_speaks_ends_the_lesson_and_what_was_shown_stays(server, gate):
    server.script.append(halting(SPEECH, "The largest score", gate))
    with sit(server) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        screen.wait_for("whatever the scores were before.")
        screen.type("\x03")
        assert screen.close() == 130
        gate.set()
    shown = " ".join(" ".join(screen.rows).split())
    assert "whatever the scores were before. The model, this time:" in shown
    assert shown.count("Saved. Go on with: microgpt tutor") == 1
    assert "Traceback" not in shown


def test_plain_shows_whole_lines_and_draws_nothing_over(server, gate):
    gate.set()
    server.script.append(halting(SPEECH, "The largest score", gate))
    with sit(server, "--plain") as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        screen.wait_for("divides by their sum.")
        screen.type("q\r")
        assert screen.close() == 0
    assert f"{FIRST.replace('**', '')} {SECOND} So the code divides by their sum." in screen.text.split("\n")
    assert "\r" not in screen.text


def test_what_is_longer_than_the_window_is_kept_for_the_next_page_even_while_it_comes(server, gate):
    gate.set()
    long = " ".join(
        f"Sentence {n} tells of shares, and of what the others get when one of them grows." for n in range(18)
    )
    explain = halting(long, "nothing", gate)
    brief = halting("Look at it.", "nothing", gate)
    server.otherwise = lambda handler: (explain if server.told()["turn"]["move"] == "explain" else brief)(handler)
    with sit(server, rows=16) as screen:
        screen.wait_for("1/")
        while "Sentence 17" not in screen.words:
            count = screen.words.count(" >")
            screen.type("\r")
            screen.wait_for(" >", count + 1)
        screen.type("q\r")
    shown = " ".join(" ".join(screen.rows).split())
    first = shown.partition("Sentence 0")[2].partition("Enter shows the rest. >")[0]
    assert "Sentence 2" in first
    assert "Sentence 17" not in first
    assert all(shown.count(f"Sentence {n} ") == 1 for n in range(18))


def test_an_enter_that_was_typed_ahead_confirms_nothing(server, gate):
    def propose(handler):
        gate.wait(60)
        ask = server.told()["turn"]["ask"]["ask_id"]
        arguments = {"lesson": "me-microgpt", "ask_id": ask}
        handler.begin()
        for event in handler.events("", [("reveal", arguments)], {}):
            handler.chunk(event)
        handler.end()

    server.script.append(propose)
    with sit(server) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("hm, this is hard, is it not?\r\r\r")
        screen.wait_for("...")
        gate.set()
        screen.wait_for("Enter: yes; or type what you mean. >")
        screen.type("p\r")
        screen.wait_for("You know 0 of")
        assert "not count it" not in screen.words
        screen.type("q\r")
        screen.close()
    with Store.open(default_path(os.environ)) as store:
        assert not [event for event in store.events("me-microgpt") if event.kind in ("evidence", "skip")]


def test_what_is_typed_while_a_model_speaks_is_not_drawn_among_its_words_and_is_read_afterwards(server, gate):
    server.script.append(halting(SPEECH, "The largest score", gate))
    with sit(server) as screen:
        screen.wait_for("what you don't know. 1/")
        screen.wait_for(" >")
        screen.type("why is that?\r")
        screen.wait_for("whatever the scores were before.")
        screen.type("how tall is a tree?\r")
        gate.set()
        screen.wait_for("Numbers first, words later.")
        screen.type("q\r")
        screen.close()
    assert screen.words.index("divides by their sum.") < screen.words.index("how tall is a tree?")
    assert server.told()["message"] == "how tall is a tree?"
