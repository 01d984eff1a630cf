"""Servers of models that break, dribble, refuse or are busy; and what every one of them is sent."""

import json
import re
import traceback
from itertools import pairwise

import pytest

from microgpt.tutor import tools
from microgpt.tutor.voices import claude, compatible
from microgpt.tutor.voices.prompt import Message
from microgpt.tutor.voices.trouble import Trouble
from microgpt.tutor.voices.witness import ToolBox

STAYS = "nothing is lost"
pytestmark = pytest.mark.usefixtures("one_idea")


FAULTS = {
    "a refused key": (
        lambda act: act.refuse(401, json.dumps({"error": {"message": f"bad key {act.secret}"}})),
        "refused the key",
        False,
    ),
    "no such model": (lambda act: act.refuse(404), "knows no model", False),
    "sent elsewhere": (lambda act: act.refuse(307, location="/elsewhere"), "sends us to another address", False),
    "a bad request": (lambda act: act.refuse(400), "refused the request (400)", False),
    "too long": (lambda act: act.refuse(413), "too long", True),
    "asked to come back much later": (lambda act: act.refuse(429, retry_after="3600"), "Try: again in 3600 s", True),
    "an answer cut short": (lambda act: act.break_off(politely=False), "broke off", True),
    "an answer without an end": (lambda act: act.break_off(politely=True), "broke off", True),
    "an answer without a beginning": (lambda act: act.send(), "broke off", True),
    "no events": (lambda act: act.send("<html>welcome</html>", kind="text/html"), "broke off", True),
    "broken JSON": (
        lambda act: act.send('event: message_start\ndata: {"type": "mess\n\n', 'data: {"a\n\n'),
        "broke off",
        True,
    ),
    "JSON of another shape": (
        lambda act: act.send('event: message_start\ndata: {"type": "message_start"}\n\n'),
        "broke off",
        True,
    ),
    "an answer without an end to it": (lambda act: act.never_stop, "did not come to an end", True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_server_does_is_one_line_and_the_lesson_goes_on(server, taught, act, fault):
    make, line, again = FAULTS[fault]
    server.script.append(make(act))
    shown = taught(server.wire(), "why is that?", act.until("explain"), "q")
    assert line in shown
    assert STAYS in shown
    assert "Traceback" not in shown
    assert act.secret not in shown
    assert ("This once" in shown) == again
    assert ("From here on" in shown) == (not again)
    assert (act.harmless in shown) == again  # the next turn is the model's again, or not
    assert not taught.events("evidence", "unparsed")


def test_a_server_that_says_nothing_is_given_up_on(server, taught, act):
    server.script.append(act.say_nothing)
    shown = taught(server.wire(timeout_s=0.3), "why is that?", "q")
    assert "took too long" in shown
    assert STAYS in shown


DRIBBLES = {
    "the head of an answer": ("HTTP/1.1 200 OK\r\n", "x-more: 1\r\n"),
    "comments between no events": ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", ": ping\n\n"),
    "an event without an end": ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {", "d"),
}


@pytest.mark.parametrize("what", DRIBBLES)
def test_a_server_that_is_never_silent_and_never_done_is_cut_off_and_spoken_to_again(
    server, taught, act, what, monkeypatch
):
    for module in (claude, compatible):
        monkeypatch.setattr(module, "LONGEST_S", 0.3)
    server.script.append(act.dribble(*DRIBBLES[what]))
    shown = taught(server.wire(), "why is that?", act.until("explain"), "q")
    assert "did not come to an end. This once" in shown
    assert act.harmless in shown


def test_what_a_server_writes_of_a_refusal_is_never_read(server, taught, act):
    server.script.append(act.dribble("HTTP/1.1 500 No\r\n\r\n", "x"))  # there is no end to it
    shown = taught(server.wire(), "why is that?", "q")
    assert taught.slept == [1.0]
    assert act.harmless in shown
    server.script.append(act.refuse(401, json.dumps({"error": {"message": f"bad key {act.secret}"}})))
    with pytest.raises(Trouble, match="refused the key") as refused:
        server.wire().converse(("",), (Message(role="user", text="why?"),), ToolBox(None, None, ""), str)
    assert act.secret not in "".join(traceback.format_exception(refused.value))


def test_a_server_that_is_not_there_is_one_line(server, taught, act):
    wire = server.wire()
    server.server_close()
    shown = taught(wire, "why is that?", "and why not?", act.until("explain"), "q")
    assert "cannot be reached" in shown
    assert shown.count("From here on") == 1  # after the second time it is left alone


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_busy_server_is_waited_for_as_long_as_it_asks_within_reason(server, taught, act, status):
    server.script.extend([act.refuse(status, retry_after="2"), act.refuse(status)])
    shown = taught(server.wire(), "why is that?", "q")
    assert act.harmless in shown
    assert STAYS not in shown
    assert taught.slept == [2.0, 1.0]


@pytest.mark.parametrize("said", ["9" * 400, "-1", "nan", "soon", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_is_no_number_of_seconds_is_taken_for_one_second(server, taught, act, said):
    server.script.append(act.refuse(429, retry_after=said))
    assert act.harmless in taught(server.wire(), "why is that?", "q")
    assert taught.slept == [1.0]


def test_an_overload_told_in_the_middle_of_a_stream_is_taken_for_one(server, taught, act):
    told = {"type": "error", "error": {"type": "overloaded_error", "code": "overloaded_error", "message": "Overloaded"}}
    server.script.append(act.send(f"event: error\ndata: {json.dumps(told)}\n\n"))
    shown = taught(server.wire(), "why is that?", "q")
    assert act.harmless in shown
    assert taught.slept == [1.0]


def test_a_turn_whose_words_break_off_keeps_what_was_heard_and_is_worded_whole_without_the_model(server, taught, act):
    def cut(handler):
        handler.begin()
        for event in handler.events("Think of one cake. And of", [], {}, finished=False):
            handler.chunk(event)

    server.otherwise = cut
    shown = taught(server.wire(), act.until("explain"), "q")
    insight = tools.teachable("microgpt").course.insights[taught.state.plan.insight]
    whole = " ".join(insight.text.split())[:40].replace("`", "")
    assert re.search(r"Think of one cake\. The answer of 127\.0\.0\.1 broke off", shown)
    assert whole in shown.rpartition("broke off")[2]
    assert "And of The" not in shown


def test_what_has_been_heard_is_not_said_again_by_a_model_that_breaks_off_and_is_asked_to_come_back(
    server, taught, act
):
    def overloaded(handler):
        error = {"type": "overloaded_error", "code": "overloaded_error", "message": "Overloaded"}
        handler.begin()
        for event in handler.events("It is a share of one. And then", [], {}, finished=False):
            handler.chunk(event)
        handler.chunk(f"event: error\ndata: {json.dumps({'type': 'error', 'error': error})}\n\n")
        handler.end()

    server.script.append(overloaded)
    shown = taught(server.wire(), "why is that?", "q")
    assert shown.count("It is a share of one.") == 1
    assert "is overloaded. Try: again in 1 s. This once" in shown
    assert taught.slept == []
    assert act.harmless not in shown


# ---- what a server is sent


def test_the_head_of_every_request_is_the_same_bytes_and_marked_for_the_cache(server, taught, act):
    taught(server.wire(), "why?", "why then?", act.until("explain"), "what is that?", "q")
    assert len(server.requests) > 3
    bodies = [json.loads(body) for body in server.requests]
    if server.protocol == "claude":
        heads = {json.dumps([body["tools"], body["system"]]) for body in bodies}
        assert bodies[0]["system"][-1]["cache_control"] == {"type": "ephemeral"}
        assert bodies[0]["cache_control"] == {"type": "ephemeral"}
        assert all("thread" not in body and "betas" not in body for body in bodies)
    else:
        heads = {json.dumps([body["tools"], body["messages"][0]]) for body in bodies}
    assert len(heads) == 1
    for before, after in pairwise(bodies):  # what was said stays as it was, so that its cache holds too
        assert [_text(m) for m in after["messages"][: len(before["messages"])]] == [
            _text(m) for m in before["messages"]
        ]


def _text(message: dict) -> str:
    content = message["content"]
    return content if isinstance(content, str) else content[0]["text"]


def test_roles_alternate_however_the_exchange_before_ended(server, taught, act):
    server.script.extend([act.say("One."), act.refuse(413), act.say(""), act.say("Two."), act.say("Three.")])
    taught(server.wire(), "why a?", "why b?", "why c?", "why d?", "why e?", "q")
    for body in server.requests:
        roles = [m["role"] for m in json.loads(body)["messages"] if m["role"] != "system"]
        assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))]
    assert "Two." in server.requests[-1].decode()


def test_a_long_conversation_is_cut_and_the_turn_told_again(server, taught, act):
    server.otherwise = act.say("So it is.")
    taught(server.wire(), *[f"why {n}?" for n in range(30)], "q")
    lengths = [len(json.loads(body)["messages"]) for body in server.requests]
    assert max(lengths) <= 18
    assert all('\\"turn\\"' in body.decode() for body in server.requests)
