"""A lesson whose words come from a model: over both protocols, whatever the model or its server does."""

import json
import re
from datetime import UTC, datetime

import pytest

from microgpt.errors import SandboxError
from microgpt.insights.locked import Fault
from microgpt.learner.profile import Profile
from microgpt.tutor import tools
from microgpt.tutor.render import show
from microgpt.tutor.voices.witness import MOST_CALLS

STAYS = "nothing is lost"
pytestmark = pytest.mark.usefixtures("one_idea")


def key(state) -> str:
    """Return the answer to the open question."""
    return show(tools.teachable("microgpt").questions(state.ask.insight)[state.ask.question].key)


def calls(name: str, quote: str = "", **more: str):
    """Return a tool call that cannot know the ask's id: a model reads it in the turn."""

    def act(server, say):
        def call(handler):
            ask = server.told()["turn"]["ask"]["ask_id"]
            arguments = {"lesson": "me-microgpt", "ask_id": ask, **({"quote": quote} if quote else {}), **more}
            say("", (name, arguments))(handler)

        return call

    return act


# ---- wording


def test_a_model_words_a_turn_and_the_runner_keeps_claim_code_and_question(server, taught, act):
    server.otherwise = act.say("Think of slices of one cake.")
    shown = taught(server.wire(), act.until("explain"), "q")
    plan = taught.state.plan
    insight = tools.teachable("microgpt").course.insights[plan.insight]
    assert "Think of slices of one cake." in shown
    assert " ".join(insight.claim.split()) in shown
    assert " ".join(insight.text.split())[:60] not in shown
    assert server.told()["turn"]["move"] == "explain"
    assert server.told()["learner"] == {"name": "Ada", "language": "en"}


def test_placement_and_what_only_measures_is_never_sent(server, taught, act):
    def cheat(state):
        return key(state) if state.ask and state.ask.question else ""

    def at_the_end(state):
        return None if state.plan.move == "finish" and state.ask else cheat(state)

    shown = taught(server.wire(), at_the_end, "is this about shares?", "q")
    assert "they measure what stays" in shown
    assert all(json.loads(body)["messages"][-1]["content"] for body in server.requests)
    moves = {server.told(n).get("turn", {}).get("move") for n in range(len(server.requests))}
    assert not moves & {"place", "finish", "review"}
    assert "is this about shares?" not in b"".join(server.requests).decode()


def test_a_whole_lesson_with_a_model_stores_what_the_same_lesson_stores_without_one(server, taught, act):
    def answers(state):
        if state.plan.move == "finish" and not state.ask:
            return None
        return key(state) if state.ask and state.ask.question and state.turn % 3 != 1 else ""

    taught(server.wire(), answers)
    with_model = [
        (event.kind, event.body.get("outcome"), event.body.get("quote")) for event in taught.events("evidence")
    ]
    other = type(taught)()
    other(None, answers)
    assert with_model == [(e.kind, e.body.get("outcome"), e.body.get("quote")) for e in other.events("evidence")]
    assert server.requests


def test_that_an_answer_was_wrong_is_said_by_the_runner_though_a_model_words_the_belief_behind_it(server, taught, act):
    def believe(state):
        if state.plan.move == "confront":
            return None
        if not state.ask or not state.ask.question:
            return ""
        question = tools.teachable("microgpt").questions(state.ask.insight)[state.ask.question]
        answers = (question.answers[belief] for belief in question.shows)
        return show(next(answer for answer in answers if not isinstance(answer, Fault)))

    server.otherwise = act.say("Look at the sum.")
    shown = taught(server.wire(), believe, "q")
    assert server.told()["turn"]["move"] == "confront"
    assert re.search(r"> \S.* Not that\. softmax you know 0 of 1 Look at the sum\.", shown)
    assert "if this were so" not in shown


# ---- the learner's message


def test_a_side_question_is_answered_and_the_question_is_drawn_again_unchanged(server, taught, act):
    server.script.append(act.say("Because shares must add up to one."))
    shown = taught(server.wire(), "why is that?", "q")
    assert "Because shares must add up to one." in shown
    question = " ".join(server.told()["turn"]["ask"]["text"].split())
    assert shown.count(question) == 2
    assert server.told()["message"] == "why is that?"
    assert not taught.events("evidence", "unparsed", "hint", "skip")


def test_options_that_come_after_three_misreadings_can_be_picked_and_are_what_the_model_is_told(server, taught, act):
    server.otherwise = act.say("Think of shares.")
    letters = iter("b")
    shown = taught(
        server.wire(), "[1]", "[1, 2]", "[1, 2, 3, 4, 5]", "which one?", lambda state: next(letters, None), "q"
    )
    assert len(taught.events("unparsed")) == 3
    assert [event.body["quote"] for event in taught.events("evidence")] == ["b"]
    assert shown.count("a) ") == 2  # once they are offered, and after the model's words


def test_a_plain_answer_is_graded_without_asking_any_model(server, taught, act):
    taught(server.wire(), lambda state: None if state.turn > 1 else key(state), "q")
    assert [event.body["outcome"] for event in taught.events("evidence")] == ["right"]
    assert not server.requests


def test_an_answer_among_other_words_counts_once_the_learner_says_yes(server, taught, act):
    wrong = {}

    def long_winded(state):
        if wrong:
            return None
        wrong["quote"] = key(state)
        server.script.append(calls("answer", wrong["quote"])(server, act.say))
        return f"first I thought of 3 and 4, and 9 is too much, so {wrong['quote']} it is?"

    shown = taught(server.wire(), long_winded, "", "q")
    assert f"Your answer: {wrong['quote']}?" in shown
    (evidence,) = taught.events("evidence")
    assert (evidence.body["quote"], evidence.body["outcome"], evidence.body["witnessed"]) == (
        wrong["quote"],
        "right",
        True,
    )


def test_not_confirmed_it_is_no_answer_and_what_was_typed_instead_is_heard(server, taught, act):
    def hedge(state):
        if server.script or server.requests:
            return None
        server.script.append(calls("answer", key(state))(server, act.say))
        return f"is it {key(state)}, or 77?"

    shown = taught(server.wire(), hedge, "p", "q")
    assert "Your answer:" in shown
    assert "You know 0 of" in shown  # p was taken for itself
    assert not taught.events("evidence", "unparsed")


@pytest.mark.parametrize("step", ["hint", "reveal", "skip"])
def test_what_a_model_takes_the_learner_to_want_happens_only_if_they_do(server, taught, act, step):
    stored = {"hint": "hint", "reveal": "reveal", "skip": "skip"}[step]
    server.script.append(calls(step)(server, act.say))
    taught(server.wire(), "hm, this is hard", "q")
    assert not taught.events("hint", "reveal", "skip", "evidence")
    server.script.append(calls(step)(server, act.say))
    taught(server.wire(), "hm, this is hard", "", "q")
    assert taught.events(stored)
    assert not any(event.body.get("credited") for event in taught.events("evidence"))


# ---- a model that does not keep to the rules


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"quote": "99"}, "does not stand in the learner's message"),
        ({"quote": "why"}, "does not read as one answer"),
        ({"quote": ""}, "does not stand in the learner's message"),
        ({"ask_id": "nonsense", "quote": "2"}, "is not open; the open question is"),
        ({"quote": "5"}, "does not stand in the learner's message"),  # of -0.5
        ({"quote": "0.5"}, "does not stand in the learner's message"),  # of -0.5
        ({"lesson": "bob-microgpt", "quote": "2"}, "there is one lesson here"),
        ({"quote": 2}, "takes strings, by name"),
        ({"quote": "2", "grade": "right"}, "takes strings, by name"),
        ("{}", "takes strings, by name"),
    ],
)
def test_a_wrong_call_goes_back_to_the_model_as_text_and_nothing_is_stored(server, taught, act, arguments, refusal):
    def call(handler):
        ask = server.told()["turn"]["ask"]["ask_id"]
        whole = {"lesson": act.lesson, "ask_id": ask, **arguments} if isinstance(arguments, dict) else arguments
        act.say("", ("answer", whole))(handler)

    server.script.append(call)
    taught(server.wire(), "why is it 2 or -0.5?", "q")
    assert len(server.requests) == 2
    assert refusal in server.requests[1].decode()
    assert not taught.events("evidence", "unparsed")


@pytest.mark.parametrize("arguments", ["[1, 2]", '{"quote": "2', "2"])
def test_arguments_that_are_no_object_do_nothing(server, taught, act, arguments):
    server.script.append(act.say("", ("answer", arguments)))
    shown = taught(server.wire(), "why is it 2 or 3?", "q")
    sent = server.requests[-1].decode()
    assert STAYS in shown or "takes strings, by name" in sent or "are no JSON" in sent
    assert not taught.events("evidence", "unparsed")


def test_a_tool_that_there_is_not_is_refused_as_text(server, taught, act):
    server.script.append(act.say("", ("set_grade", {"grade": "A"})))
    shown = taught(server.wire(), "can you give me an A?", "q")
    assert "set_grade" in server.requests[1].decode()
    assert act.harmless in shown
    assert not taught.events("evidence")


def test_reading_tools_run_at_once_and_running_code_waits_until_the_question_is_closed(server, taught, act):
    lesson = {"lesson": act.lesson}
    server.script.append(
        act.say("", ("source", {**lesson, "symbol": "softmax"}), ("evaluate", {**lesson, "code": "softmax([0, 0])"}))
    )
    taught(server.wire(), "how does softmax go?", "q")
    sent = server.requests[1].decode()
    assert "def softmax" in sent
    assert "a question is open, and code could answer it" in sent


@pytest.mark.parametrize("name", ["progress", "source", "evaluate", "contest"])
def test_a_model_sees_nothing_of_another_learner_on_this_machine(server, taught, act, name):
    taught.store.save_learner(Profile(id="bob", name="Bob"))
    tools.LessonTools(taught.store, clock=lambda: datetime.now(UTC)).start(learner="bob")
    more = {"source": {"symbol": "softmax"}, "evaluate": {"code": "1"}, "contest": {"ask_id": "1", "reason": "?"}}
    server.script.extend(
        act.say("", (name, {"lesson": lesson, **more.get(name, {})})) for lesson in ("bob-microgpt", "nobody")
    )
    taught(server.wire(), "how is Robert doing?", "q")
    assert len(server.requests) == 3
    results = [json.loads(server.requests[n])["messages"][-1] for n in (1, 2)]
    assert all("there is one lesson here" in json.dumps(result) for result in results)
    assert "bob" not in json.dumps(results)


def test_where_no_code_can_be_run_a_model_is_told_so_and_the_lesson_goes_on(server, taught, act, monkeypatch):
    def nowhere(*args: object, **more: object) -> None:
        raise SandboxError("nothing here can contain code")

    monkeypatch.setattr(tools, "run_jobs", nowhere)
    server.otherwise = act.say("A word.")
    server.script.extend([act.say("One."), act.say("", ("evaluate", {"lesson": act.lesson, "code": "1 + 1"}))])
    shown = taught(server.wire(), act.until("explain"), "what is 1 + 1?", "q")
    assert "nothing here can contain code" in server.requests[-1].decode()
    assert "A word." in shown


def test_a_model_that_said_nothing_of_a_turn_is_told_the_turn_with_the_next_message(server, taught, act):
    server.script.append(act.say(""))
    taught(server.wire(), act.until("explain"), "why is that?", "q")
    assert server.told()["turn"]["move"] == "explain"
    assert server.told()["message"] == "why is that?"


def test_a_model_that_calls_many_tools_at_once_gets_the_first_of_them(server, taught, act):
    server.script.append(act.say("", *[("progress", {"lesson": act.lesson})] * (MOST_CALLS + 20)))
    taught(server.wire(), "how am I doing?", "q")
    assert server.requests[1].decode().count("microgpt/progress/1") == MOST_CALLS
    assert server.requests[1].decode().count("that is enough for one message") == 20


def test_a_model_that_calls_tools_for_ever_is_cut_short(server, taught, act):
    server.otherwise = act.say("", ("progress", {"lesson": act.lesson}))
    shown = taught(server.wire(), "how am I doing?", "q")
    assert len(server.requests) == 4
    assert "The model had nothing to say to that." in shown


def test_a_model_that_answers_for_the_learner_while_it_words_a_turn_is_refused(server, taught, act):
    def call(handler):
        act.say(
            "", ("skip", {"lesson": act.lesson, "ask_id": "any"}), ("reveal", {"lesson": act.lesson, "ask_id": "any"})
        )(handler)

    server.otherwise = act.say("A word.")
    server.script.append(call)
    taught(server.wire(), act.until("explain"), "q")
    assert "the learner has said nothing yet" in server.requests[1].decode()
    assert not taught.events("reveal")


@pytest.mark.parametrize(
    "claim",
    [
        "Correct! You have mastered this.",
        "That's right. Well done!",
        "Wrong, I am afraid.",
        "I give you 10 points.",
        "Your score is 9 out of 10.",
        "Now, what is softmax of [1, 2, 3]?",
        "\x1b[2J\x1b]0;owned\x07",
    ],
)
def test_a_grade_a_quiz_and_a_control_code_of_a_models_are_not_shown_and_do_nothing(server, taught, act, claim):
    server.script.append(act.say(f"{claim} Look at the sum below the line."))
    shown = taught(server.wire(), "why is that?", "q")
    assert "Look at the sum below the line." in shown
    assert claim.split()[0] not in shown
    assert "\x1b" not in shown
    assert not taught.events("evidence")
    assert taught.state.turn == 1


def test_a_model_with_nothing_to_say_leaves_the_turn_to_the_built_in_voice(server, taught, act):
    server.otherwise = act.say("Right! Is it?")
    shown = taught(server.wire(), act.until("explain"), "q")
    text = tools.teachable("microgpt").course.insights[taught.state.plan.insight].text
    assert " ".join(text.split())[:40].replace("`", "") in shown.replace("`", "")
