"""What a learner takes along is all that is kept, and what Anki reads."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.evidence import Event
from microgpt.learner.export import Card, export, to_anki
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["ada-a", "ada-b", "bob-a"]), st.text(max_size=5)), max_size=8))
def test_the_export_has_every_event_of_the_learner_as_stored_and_of_nobody_else(said):
    with Store.in_memory() as store:
        stored = []
        for n, (lesson, quote) in enumerate(said):
            learner, course = lesson.split("-")
            with store.transaction(lesson) as tx:
                time = NOW + timedelta(seconds=n)
                event = Event(
                    time=time, learner=learner, course=course, lesson=lesson, kind="unparsed", body={"quote": quote}
                )
                stored.append(tx.append(event))
        whole = json.loads(json.dumps(export(store, Profile(id="ada", name="Ada", interests="chess"))))
    assert whole["format"] == "microgpt/learner-export/1"
    assert whole["learner"]["interests"] == "chess"
    told = [(row["lesson"], row["course"], event) for row in whole["lessons"] for event in row["events"]]
    mine = sorted((event for event in stored if event.learner == "ada"), key=lambda event: (event.lesson, event.seq))
    assert [(lesson, course, event["seq"], event["body"]) for lesson, course, event in told] == [
        (event.lesson, event.course, event.seq, event.body) for event in mine
    ]
    assert [event["time"] for _, _, event in told] == [event.time.isoformat() for event in mine]


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_whatever_stands_on_a_card_it_is_one_line_of_five_columns(texts):
    cards = [Card(guid="g", front=front, back=back, deck="A deck", tag="an-idea") for front, back in texts]
    lines = to_anki(cards).splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert "#separator:tab" in head
    assert "#html:true" in head
    assert [line.count("\t") for line in lines[len(head) :]] == [4] * len(cards)


def test_markup_is_shown_and_not_obeyed_and_line_ends_are_kept():
    card = Card(guid="9f", front='a < b\n"x"', back="1\t2", deck="A & B", tag="an-idea")
    assert to_anki([card]).endswith("\n9f\ta &lt; b<br>&quot;x&quot;\t1 2\tA &amp; B\tan-idea\n")
