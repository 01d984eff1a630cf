"""What a model costs is counted from its server's own numbers, and a cap is never passed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.errors import ConfigError
from microgpt.tutor.voices.cost import CLAUDE, OVERHEAD, PRICES, Meter, OverBudget, Usage


@given(
    most=st.floats(0, 2),
    requests=st.lists(
        st.tuples(st.binary(max_size=3000), st.floats(0, 1), st.floats(0, 1), st.integers(0, 500)), max_size=60
    ),
    model=st.sampled_from(sorted(PRICES)),
)
def test_whatever_a_server_bills_within_the_bounds_of_its_protocol_a_cap_is_never_passed(most, requests, model):
    meter = Meter(model, most)
    for body, read, split, out in requests:
        try:
            meter.before(body, 500)
        except OverBudget:
            assert meter.spent <= most
            return
        tokens = int((len(body) + OVERHEAD) * read)  # never more tokens than bytes, and what a server adds
        written = int(tokens * split)
        meter.after(Usage(fresh=tokens - written, written=written, out=out))
        assert meter.spent <= most


def test_the_price_of_a_request_is_the_sum_of_its_four_kinds_of_tokens():
    meter = Meter("claude-sonnet-5-5")
    meter.after(Usage(fresh=1_000_000, written=1_000_000, cached=1_000_000, out=1_000_000))
    assert meter.spent == pytest.approx(2 + 2.5 + 0.1 + 10)


def test_a_request_without_a_count_is_taken_at_its_worst():
    meter = Meter("claude-haiku-4-5", 1.0)
    meter.before(b"x" * 9000, 1000)
    meter.after(None)
    assert meter.spent == pytest.approx(((9000 + OVERHEAD) * 1.25 + 1000 * 5) / 1e6)


def test_a_request_whose_end_nobody_told_is_taken_at_its_worst_and_one_turned_down_at_nothing():
    meter = Meter("claude-haiku-4-5", 1.0)
    worst = (OVERHEAD * 1.25 + 1000 * 5) / 1e6
    meter.before(b"", 1000)
    assert meter.spent == pytest.approx(worst)
    meter.before(b"", 1000)
    meter.refused()
    assert meter.spent == pytest.approx(worst)


@pytest.mark.parametrize("odd", [-5_000_000, None, 0.5, float("nan"), "12"])
@pytest.mark.parametrize("field", ["fresh", "written", "cached", "out"])
def test_a_count_that_is_none_lifts_no_cap(odd, field):
    meter = Meter("claude-haiku-4-5", 1.0)
    meter.before(b"", 1000)
    worst = meter.spent
    meter.after(Usage(**{field: odd}))
    assert meter.spent == worst


def test_a_cap_that_is_no_number_lets_nothing_pass():
    with pytest.raises(OverBudget):
        Meter("claude-haiku-4-5", float("nan")).before(b"", 1)


def test_an_unknown_model_has_an_unknown_cost_and_no_cap():
    meter = Meter("my-own-model")
    meter.before(b"x", 10)
    meter.after(Usage(fresh=3, out=4))
    assert meter.told() == "cost unknown: no price of my-own-model is known here; 7 tokens"
    with pytest.raises(ConfigError, match="--max-cost cannot be kept"):
        Meter("my-own-model", 0.5)


def test_the_model_that_is_taken_where_none_is_named_has_a_price():
    assert CLAUDE in PRICES


@pytest.mark.slow
@pytest.mark.usefixtures("one_idea")
def test_a_sitting_shows_what_it_cost_and_ends_with_the_built_in_voice_before_the_cap(server, taught, act):
    server.otherwise = act.say("A word.", fresh=1000, written=2000, cached=50_000, out=300)
    one = (1000 * 2 + 50_000 * 0.1 + 300 * 10) / 1e6
    if server.protocol == "claude":
        one += 2000 * 2.5 / 1e6
    shown = taught(server.wire(most=0.1), "why?", "why?", "q")
    assert f"The model, this time: {2 * one:.4f} dollars of at most 0.1 " in shown
    shown = taught(server.wire(most=0.04), "why?", "why?", "why?", act.until("explain"), "q")
    assert "Another request could pass --max-cost 0.04" in shown
    assert "From here on" in shown
    assert "Now you" in shown or taught.state.plan.move == "explain"
    asked = len(server.requests)
    taught(server.wire(most=0.0), "why?", "q")
    assert len(server.requests) == asked


@pytest.mark.slow
@pytest.mark.usefixtures("one_idea")
def test_an_answer_that_broke_off_is_paid_for_at_its_worst_and_one_refused_is_not(server, taught, act):
    wire = server.wire(most=1.0)
    server.script.append(act.refuse(413))
    taught(wire, "why?", "q")
    assert wire.meter.spent == 0
    server.script.append(act.break_off(politely=False))
    taught(wire, "why?", "q")
    assert wire.meter.spent > 2000 * 10 / 1e6


@pytest.mark.usefixtures("one_idea")
def test_waiting_for_a_busy_server_costs_nothing_and_one_that_never_answered_its_worst(server, taught, act):
    wire = server.wire(most=1.0, timeout_s=0.3)
    server.script.extend([act.refuse(529)] * 3)
    taught(wire, "why?", "q")
    assert (len(server.requests), wire.meter.spent) == (3, 0)
    server.script.append(act.say_nothing)  # it may have read it all, and be at work
    taught(wire, "why?", "q")
    assert wire.meter.spent > 2000 * 10 / 1e6


@pytest.mark.usefixtures("one_idea")
def test_trying_again_and_again_passes_no_cap(server, taught, act):
    overloaded = {"type": "overloaded_error", "code": "overloaded_error", "message": "Overloaded"}
    told = json.dumps({"type": "error", "error": overloaded})
    server.otherwise = act.send(f"event: error\ndata: {told}\n\n")  # in the middle of an answer: it may be billed
    free = server.wire()
    taught(free, "why?", "q")
    worst = free.meter.spent / len(server.requests)
    server.requests.clear()
    wire = server.wire(most=2.5 * worst)
    assert "another request could pass" in taught(wire, "why?", "why?", "q").lower()
    assert len(server.requests) == 2
    assert wire.meter.spent == pytest.approx(2 * worst)
