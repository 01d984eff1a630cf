"""Where a learner stands is what the record says: the tools and the fold agree, and every mistake names its answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgpt.errors import ConfigError, CourseError
from microgpt.insights.course import load_course
from microgpt.learner.answers import history
from microgpt.learner.evidence import Event
from microgpt.learner.store import Store
from microgpt.tutor.session import current_state
from microgpt.tutor.standing import known_insights, read_standing
from microgpt.tutor.tools import LessonTools

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
MEAN, SMOOTH, OUTLIER = "a-mean-is-a-fair-share", "smoothing-starts-low", "one-outlier-is-enough"
MIXED = ["takes-the-middle", "one-of-many", "right", "takes-the-middle", "reveal", "right", "right", "one-of-many"]


@pytest.fixture
def store():
    with Store.in_memory() as store:
        yield store


def test_it_agrees_with_the_lesson_tools_and_with_the_fold_of_the_answers(store, averages, study):
    now = study(store, averages, "ada", [*MIXED, "right", "starts-at-the-first", "right", "right"], now=MONDAY)
    standing = read_standing(store, "ada", "", now=now)
    progress = LessonTools(store, clock=lambda: now).progress("ada-averages")
    assert [(i.insight, i.status, i.probability) for i in standing.insights] == [
        (i.insight, i.status, i.probability) for i in progress.insights
    ]
    assert standing.known == progress.known
    by_answers = {answer.insight: knowledge for answer, knowledge in history(store.answers(standing.lesson))}
    state = current_state(store, "ada-averages", *store.snapshot("ada-averages"))
    assert len(by_answers) == 3
    assert all(state.insight(name).knowledge == knowledge for name, knowledge in by_answers.items())


def test_answers_are_counted_by_who_heard_them(store, averages, study):
    now = study(store, averages, "ada", ["takes-the-middle", "right"], now=MONDAY)
    now = study(store, averages, "ada", ["takes-the-middle"] * 3, now=now, heard=False)
    standing = read_standing(store, "ada", "averages", now=now)
    heard = [event.body["witnessed"] for event in store.events("ada-averages") if event.kind == "evidence"]
    assert sum(i.witnessed for i in standing.insights) == heard.count(True) > 0
    assert sum(i.reported for i in standing.insights) == heard.count(False) > 0
    assert (
        sum(i.wrong for i in standing.insights)
        == sum(answer.outcome == "wrong" for answer in store.answers("ada-averages"))
        > 0
    )


def test_a_mistake_recurs_with_the_words_and_the_time_of_the_latest_answers_that_point_at_it(store, averages, study):
    now = study(store, averages, "ada", MIXED * 2, now=MONDAY)
    standing = read_standing(store, "ada", "", now=now)
    evidence = [event.body for event in store.events("ada-averages") if event.kind == "evidence"]
    for mistake in standing.mistakes:
        told = [e for e in evidence if mistake.misconception in e["misconceptions"] and e["insight"] == mistake.insight]
        assert mistake.signs == len(told)
        assert [(sign.quote, sign.time.isoformat()) for sign in mistake.latest] == [
            (e["quote"], e["time"]) for e in told[-3:]
        ]
        assert mistake.recurs == (len(told) > 1)
    assert standing.belief(standing.mistakes[0]) in {
        belief.belief for insight in standing.course.insights.values() for belief in insight.misconceptions
    }
    assert any(mistake.recurs for mistake in standing.mistakes)


def test_what_comes_next_is_not_known_and_needs_nothing_that_is_not(store, averages, study):
    seen = set()
    now = study(store, averages, "ada", ["takes-the-middle"], now=MONDAY)
    for _ in range(12):
        now = study(store, averages, "ada", ["right"], now=now)
        standing = read_standing(store, "ada", "", now=now)
        known = known_insights(store, "ada", standing.course)
        assert known == {i.insight for i in standing.insights if i.known}
        assert not known & set(standing.next)
        assert all(known.issuperset(standing.course.insights[name].needs) for name in standing.next)
        assert standing.next or known == set(standing.course.insights)
        seen.add(standing.next)
    assert len(seen) > 1
    assert standing.known == 3


def test_what_is_due_comes_when_its_day_has_come(store, averages, study):
    now = study(store, averages, "ada", ["right"] * 12, now=MONDAY)
    assert read_standing(store, "ada", "", now=now).due_now == 0
    first = read_standing(store, "ada", "", now=now).due[0].due
    assert read_standing(store, "ada", "", now=first).due_now > 0
    assert read_standing(store, "ada", "", now=first - timedelta(seconds=1)).due_now == 0
    assert read_standing(store, "ada", "", now=now + timedelta(days=400)).due_now == 3


def test_a_goal_narrows_it_to_what_the_goal_takes(store, averages, study):
    now = study(store, averages, "ada", ["right"], now=MONDAY, goal="smoothing")
    standing = read_standing(store, "ada", "", now=now)
    assert (standing.goal, [i.insight for i in standing.insights]) == ("smoothing", [MEAN, SMOOTH])


def test_the_course_is_found_by_id_by_folder_and_where_none_is_named_is_the_last_one(store, averages, study):
    assert read_standing(store, "ada", "", now=MONDAY) is None
    now = study(store, averages, "ada", ["right"], now=MONDAY)
    for named in ("", "averages", str(averages)):
        assert read_standing(store, "ada", named, now=now).lesson == "ada-averages"
    with pytest.raises(ConfigError, match=r"no lesson in 'microgpt', but in: averages\. Try: microgpt tutor microgpt"):
        read_standing(store, "ada", "microgpt", now=now)
    with pytest.raises(CourseError, match="no course 'nonsense'"):
        read_standing(store, "ada", "nonsense", now=now)


def test_nothing_is_known_of_a_course_that_was_never_begun(store, averages, study):
    assert known_insights(store, "ada", load_course(averages)) == frozenset()
    study(store, averages, "bob", ["right"] * 9, now=MONDAY)
    assert known_insights(store, "ada", load_course(averages)) == frozenset()
    assert known_insights(store, "bob", load_course(averages))
    assert known_insights(store, "bob", replace(load_course(averages), id="of-the-same-insights")) == frozenset()


def test_a_belief_that_the_course_has_dropped_is_named_by_its_id(store, averages, study):
    now = study(store, averages, "ada", ["takes-the-middle"] * 3, now=MONDAY)
    standing = read_standing(store, "ada", "", now=now)
    gone = standing.mistakes[0].__class__(insight="gone", misconception="gone-too", signs=1, latest=(), ruled_out=0)
    assert standing.belief(gone) == "gone-too"


def test_what_only_measures_is_not_counted(store, averages, study):
    now = MONDAY
    while len(known_insights(store, "ada", load_course(averages))) < 3:
        now = study(store, averages, "ada", ["right"], now=now)
    before, answers = read_standing(store, "ada", "", now=now), len(store.answers("ada-averages"))
    tools = LessonTools(store, clock=lambda: now, heard=lambda quote: True, may_run=lambda: False)
    turn = tools.next("ada-averages")
    while not (turn.ask and turn.ask.holdout):
        turn = tools.skip(turn.lesson, turn.ask.ask_id) if turn.ask else tools.next(turn.lesson, turn.ack)
    assert tools.answer(turn.lesson, turn.ask.ask_id, (turn.ask.options or ("3",))[0]).outcome == "recorded"
    after = read_standing(store, "ada", "", now=now)
    assert len(store.answers("ada-averages")) == answers + 1
    assert (after.insights, after.mistakes) == (before.insights, before.mistakes)


def test_of_two_courses_the_one_learned_last_is_shown(store, averages, study):
    now = study(store, averages, "ada", ["right"], now=MONDAY)
    for minutes, last in ((-20, "ada-averages"), (1, "ada-a-first-by-name")):
        with store.transaction("ada-a-first-by-name") as tx:
            tx.append(
                Event(
                    time=now + timedelta(minutes=minutes),
                    learner="ada",
                    course="a-first-by-name",
                    lesson="ada-a-first-by-name",
                    kind="start",
                    body={"goal": "", "minutes": 0, "where": str(averages)},
                )
            )
        assert read_standing(store, "ada", "", now=now).lesson == last
