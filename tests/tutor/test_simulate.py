"""Simulated learners: the real lesson, heads that answer as they believe, and numbers that mean what they say."""

import json
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.content import content_folder
from microgpt.errors import ConfigError, CourseError
from microgpt.insights.grading import parse, same
from microgpt.insights.locked import Fault
from microgpt.learner.store import Store
from microgpt.tutor import tools as tools_module
from microgpt.tutor.fold import apply
from microgpt.tutor.script import Facts, parse_script
from microgpt.tutor.session import Lesson
from microgpt.tutor.simulate.assumptions import NAMES, Assumptions, swept
from microgpt.tutor.simulate.compare import differences, row
from microgpt.tutor.simulate.learner import KINDS, Learner, enrol, kind_of
from microgpt.tutor.simulate.lesson import SimulatedLesson
from microgpt.tutor.simulate.mind import Trace, expected, forgotten, learned, recalled
from microgpt.tutor.simulate.school import Result, School, attend, run_schools, score
from microgpt.tutor.simulate.simulation import changed, simulate
from microgpt.tutor.simulate.teachers import Teacher, find_script, with_baselines
from microgpt.tutor.state import LessonState
from microgpt.tutor.turns import Ask

GOAL = "optimizer"  # a short one of the bundled course
USUAL = Assumptions()
SURE = replace(USUAL, slip=1e-9, lucky=1e-9, passes=1e-9)  # nothing but what the head holds
DEFAULT = Teacher(name="microgpt-tutor", script=find_script("microgpt-tutor"))
ONE_OF_EACH = [0, *range(1, 2 * len(KINDS) - 1, 2)]


@pytest.fixture(scope="module")
def course():
    """The bundled course, which has enough ideas for one to need another."""
    return tools_module.teachable("microgpt")


def school(*teachers, learners=18, goal=GOAL, assumptions=USUAL):
    return School(
        course="microgpt", goal=goal, teachers=teachers, learners=learners, seed=0, assumptions=assumptions
    )  # fmt: skip


def lesson(course, number, *, script=DEFAULT.script, assumptions=USUAL):
    """Return the lesson of a learner that has just had the usual sittings."""
    learner = enrol(number, 0, course, GOAL, assumptions)
    name = f"ada-{course.course.id}"
    at = SimulatedLesson(
        Lesson(id=name, learner="ada", taught=course, script=script, may_run=lambda: False), learner, GOAL, assumptions
    )
    for day, minutes in ((0, 60), (2, 15), (7, 15)):
        at.sit(day, minutes)
    return at


# ---- the lesson is the real one


@pytest.mark.slow
@pytest.mark.parametrize("number", ONE_OF_EACH, ids=lambda number: kind_of(number))
def test_the_same_words_sent_to_the_lesson_tools_make_the_same_record(course, number):
    played = lesson(course, number).recorder.events
    day = now = None
    with Store.in_memory() as store:
        tools = tools_module.LessonTools(store, clock=lambda: now, heard=lambda quote: True, may_run=lambda: False)
        for event in played:
            now, name, body = event.time, event.lesson, event.body
            if now.date() != day:  # one of the usual sittings
                tools.start("microgpt", GOAL, 15 if day else 60, "ada")
                day = now.date()
            match event.kind:
                case "ack":
                    tools.next(name, f"t{body['turn']}")
                case "unparsed":
                    tools.answer(name, event.ask_id, body["quote"])
                case "evidence" if body["outcome"] == "gave_up" and not body["quote"]:
                    tools.reveal(name, event.ask_id)
                case "evidence":
                    tools.answer(name, event.ask_id, body["quote"])
                case "hint":
                    tools.hint(name, event.ask_id)
                case "skip":
                    tools.skip(name, event.ask_id)
        stored = [*store.events(played[0].lesson)]
    assert [_essence(event) for event in stored] == [_essence(event) for event in played]


def _essence(event):
    body = {key: value for key, value in event.body.items() if key != "where"}
    return event.seq, event.time, event.kind, event.ask_id, json.loads(json.dumps(body))


def test_the_state_in_memory_is_the_fold_of_the_events_as_json(course):
    at, state = lesson(course, 3), LessonState()
    for event in at.recorder.events:
        state = apply(state, replace(event, body=json.loads(json.dumps(event.body))))
    assert LessonState.from_json(json.loads(json.dumps(at.state.to_json()))) == state


@pytest.mark.parametrize("teacher", with_baselines([DEFAULT.script]), ids=lambda teacher: teacher.name)
def test_no_kind_of_learner_gets_stuck_with_any_teacher(course, teacher):
    for number in ONE_OF_EACH:
        result = attend(school(teacher), course, teacher, number)
        assert not result.dead_end
        assert result.later <= result.after
        assert result.minutes <= 60 + 15 + 15 + 6  # the last question of a sitting may take longer than what was left


def test_reading_and_answering_take_the_time_that_is_assumed(course):
    at = lesson(course, 5, assumptions=replace(SURE, reading_s=100, asking_s=7), script=find_script("lecture"))
    turns = [event.body["plan"] for event in at.recorder.events if event.kind == "turn"]
    asked = sum(bool(plan["question"]) for plan in turns)
    read = sum(plan["move"] == "explain" for plan in turns)
    assert min(asked, read) > 0
    assert at.tally.seconds == 100 * read + 7 * asked


@pytest.mark.slow
def test_a_run_is_the_same_each_time_it_is_made():
    small = school(*with_baselines([DEFAULT.script]), learners=4)
    assert run_schools([small]) == run_schools([small])


@pytest.mark.slow
def test_a_run_is_the_same_however_many_processes_share_it():
    schools = [school(DEFAULT, learners=25), school(DEFAULT, learners=12, assumptions=SURE)]
    told: list[tuple[int, int]] = []
    assert run_schools(schools, processes=2, report=lambda *so_far: told.append(so_far)) == run_schools(schools)
    lessons = sum(school.learners * len(school.teachers) for school in schools)
    assert told == sorted(told)
    assert told[-1] == (lessons, lessons)


# ---- what a learner says is what its head holds


def test_who_holds_a_belief_gives_its_mutants_answer_to_every_question(course):
    for name in course.plan(GOAL):
        for belief in course.course.insights[name].misconceptions:
            learner = _learner({name: Trace(belief=belief.id)}, SURE)
            for question in course.questions(name).values():
                answer = question.answers[belief.id]
                if not isinstance(answer, Fault):
                    ask = _ask(question)
                    words = learner.answer(name, question, ask, 0)
                    parsed = parse(words, ask.kind, options=ask.options, shape=question.shape)
                    assert same(parsed, answer, 1e-9)


def test_the_expected_score_is_the_share_that_many_learners_answer_rightly(course):
    name = course.plan(GOAL)[-1]
    belief = course.course.insights[name].misconceptions[0].id
    question = next(q for q in course.questions(name).values() if q.holdout)
    harmless = replace(question, answers={belief: question.key}, shows=())
    heads = (Trace(), Trace(belief=belief), Trace(knows=True, half_life=7))
    assumptions = replace(USUAL, passes=1e-9)  # who passes is measured as one who guesses
    for trace, asked in [*((head, question) for head in heads), (heads[1], harmless)]:
        rights = []
        for seed in range(2000):
            learner, ask = _learner({name: trace}, assumptions, seed), _ask(asked)
            parsed = parse(learner.answer(name, asked, ask, 5), ask.kind, options=ask.options, shape=asked.shape)
            rights.append(parsed is not None and same(parsed, asked.key, course.course.insights[name].within))
        assert fmean(rights) == pytest.approx(expected(trace, asked, 5, assumptions), abs=0.03)


def _learner(head, assumptions, seed=0, kind="novice"):
    return Learner(kind, head, dict.fromkeys(head, ()), assumptions, random.Random(f"learner {seed}"))


def _ask(question):
    kind = "choice" if question.options else question.kind
    return Ask(ask_id="a", text=question.ask, kind=kind, options=question.options)


def test_the_same_learner_comes_to_every_teacher_and_each_belief_is_planted_in_turn(course):
    pairs = {(name, belief.id) for name in course.plan(GOAL) for belief in course.course.insights[name].misconceptions}
    learners = [enrol(number, 3, course, GOAL, USUAL) for number in range(2 * len(pairs))]
    again = [enrol(number, 3, course, GOAL, USUAL) for number in range(2 * len(pairs))]
    assert [(a.kind, a.head, a.planted) for a in learners] == [(b.kind, b.head, b.planted) for b in again]
    assert {pair for learner in learners if learner.kind == "planted" for pair in learner.planted} == pairs
    assert {learner.kind for learner in learners} == set(KINDS)


def test_who_holds_a_belief_knows_what_it_needs_and_nothing_that_is_built_on_it(course):
    for number in range(0, 40, 2):
        learner = enrol(number, 0, course, GOAL, USUAL)
        (against, belief), *_ = learner.planted
        beyond = {name for name in course.plan(GOAL) if against in course.ancestors(name)}
        assert learner.head[against] == Trace(belief=belief)
        assert {name for name in learner.head if not learner.knows(name)} == {against, *beyond}


# ---- the record against the head


def test_an_expert_who_never_slips_is_taught_nothing_that_placement_showed(course):
    number = next(n for n in range(99) if kind_of(n) == "expert")
    at = lesson(course, number, assumptions=SURE)
    shown = {name for name, insight in at.state.insights.items() if insight.shown}
    assert shown == set(course.plan(GOAL))
    assert at.tally.taught == 0


def test_a_belief_that_is_held_without_slips_is_named_by_the_record(course):
    results = [attend(school(DEFAULT, assumptions=SURE), course, DEFAULT, number) for number in range(0, 40, 2)]
    assert row("", results).named >= 0.9  # the rest learn better before they are asked


@pytest.mark.slow
def test_the_oracle_is_ahead_of_everybody():
    results = run_schools([school(*with_baselines([DEFAULT.script]), learners=36)])[0]
    later = {name: fmean(r.later for r in results if r.teacher == name) for name in {r.teacher for r in results}}
    assert max(later, key=lambda name: later[name]) == "oracle"


def test_a_lecture_asks_one_question_about_an_idea_in_a_sitting(course):
    at = lesson(course, 3, script=find_script("lecture"))
    first = [e for e in at.recorder.events if e.kind == "turn" and (e.time - at.recorder.events[0].time).days == 0]
    asked = Counter(e.body["plan"]["insight"] for e in first if e.body["plan"]["move"] == "ask")
    assert set(asked.values()) == {1}
    assert set(asked) == set(course.plan(GOAL))


def test_random_moves_are_only_such_as_apply():
    teacher = next(t for t in with_baselines([DEFAULT.script]) if t.way == "random")
    script = teacher.script_for("seed")
    assert {script.choose(Facts(nothing_left=True, reviews_due=1)) for _ in range(20)} == {"finish"}
    assert {script.choose(Facts(worked=True)) for _ in range(50)} == {"predict", "ask"}
    drawn = {script.choose(Facts(reviews_due=1, placing=True, counter=True, practised=False)) for _ in range(300)}
    assert drawn == {"review", "place", "predict", "explain", "demonstrate", "ask", "confront", "practise"}


# ---- remembering


@given(half_life=st.floats(1, 100), days=st.floats(0, 200))
def test_what_is_known_is_recalled_half_as_often_after_each_half_life(half_life, days):
    trace = Trace(knows=True, half_life=half_life)
    assert trace.strength(0) == 1
    assert trace.strength(days + half_life) == pytest.approx(trace.strength(days) / 2)


def test_recalls_on_different_days_last_longer_than_as_many_on_one():
    trace = learned(Trace(), 0, USUAL)
    once = recalled(trace, 0, USUAL)
    assert trace.half_life < once.half_life == recalled(once, 0.01, USUAL).half_life
    assert once.half_life < recalled(once, 1, USUAL).half_life < recalled(once, 3, USUAL).half_life


def test_what_is_learned_again_lasts_as_long_as_it_did_before():
    trace = recalled(learned(Trace(), 0, USUAL), 3, USUAL)
    assert learned(forgotten(trace), 30, USUAL).half_life == trace.half_life


# ---- the assumptions


@pytest.mark.parametrize("how", ["half", "double"])
def test_a_sweep_changes_every_assumption_once_and_no_probability_exceeds_one(how):
    assert [name for name, _ in swept(how)] == list(NAMES)
    for name, assumptions in swept(how):
        others = [other for other in NAMES if getattr(assumptions, other) != getattr(USUAL, other)]
        assert others == [name]
        assert USUAL.with_value(name, getattr(assumptions, name)) == assumptions
    assert USUAL.with_value("told", 0.8).scaled("told", how).told == {"half": 0.4, "double": 1}[how]


def test_every_assumption_has_a_reason():
    assert all(re.fullmatch(r"[A-Z].{20,}\.", USUAL.reason(name)) for name in NAMES)


@pytest.mark.parametrize("change", ["slips=0.1", "slip=2", "slip=0", "half_life=inf", "slip", "slip=much", "quarter"])
def test_a_change_that_cannot_be_is_refused_with_a_way_out(change):
    with pytest.raises(ConfigError, match="Try"):
        changed(USUAL, [change])


# ---- comparing


def test_better_means_that_the_interval_of_the_paired_differences_lies_above_zero():
    def results(teacher, *later):
        base = dict.fromkeys(Result.__dataclass_fields__, 0) | {"kind": "novice", "moves": {}}
        return [Result(**{**base, "learner": i, "teacher": teacher, "later": each}) for i, each in enumerate(later)]

    ours = results("ours", 0.3, 0.6, 0.9)  # learners differ by far more than teachers do
    close, same_, ahead = (
        results("close", 0.2, 0.5, 0.79),
        results("same", 0.4, 0.5, 0.9),
        results("ahead", 0.4, 0.7, 1.0),
    )
    found = {each.teacher: each for each in differences([*ours, *close, *same_, *ahead])}
    assert {name: each.verdict for name, each in found.items()} == {
        "close": "beats", "same": "no difference", "ahead": "loses",
    }  # fmt: skip
    assert found["close"].mean == pytest.approx(0.31 / 3)
    assert found["close"].high - found["close"].mean == pytest.approx(1.96 * 0.0057735 / 3**0.5, rel=1e-3)


def test_a_score_has_no_chance_in_it_and_falls_while_nothing_happens(course):
    learner = enrol(5, 0, course, GOAL, USUAL)
    assert learner.kind == "expert"
    scores = [score(learner, course, day, USUAL) for day in (0, 0, 14, 140)]
    assert scores[0] == scores[1] > scores[2] > scores[3]
    result = attend(school(DEFAULT), course, DEFAULT, 5)
    assert result.before > result.after > result.later  # an expert's knowledge fades too


@pytest.mark.slow
def test_a_sweep_compares_the_first_script_with_all_that_follow_a_script():
    report = simulate("microgpt", goal=GOAL, learners=2, changes=["half", "slip=0.15"])
    assert [each.name for each in report.swept] == list(NAMES)
    assert {d.teacher for each in report.swept for d in each.differences} == {"lecture", "answer-bot", "random"}
    assert next(each.value for each in report.swept if each.name == "slip") == 0.075
    assert report.lessons == 2 * 5 + 2 * 4 * len(NAMES)
    text = report.to_text()
    assert "Changed: slip=0.15." in text
    assert all(len(line) <= 80 for line in text.splitlines())


# ---- scripts


def test_a_script_may_leave_an_idea_after_fewer_questions():
    text = "format: 1\nid: x\ntitle: X\ntries: {}\nrules: [{{do: ask}}]\n"
    assert parse_script(text.format(3), "x").tries == 3
    with pytest.raises(CourseError, match=r"x:4:\d+: tries counts .* Try  tries: 10"):
        parse_script(text.format(0), "x")


def test_a_script_is_found_by_name_by_file_and_by_folder():
    folder = content_folder("skills") / "microgpt-tutor"
    assert find_script("microgpt-tutor") == find_script(str(folder)) == find_script(str(folder / "script.yaml"))
    assert find_script("lecture").tries == 1
    with pytest.raises(ConfigError, match="no script 'lectures'"):
        find_script("lectures")


# ---- the page


def test_the_page_lists_the_learners_and_the_assumptions_that_the_code_has():
    tool = Path(__file__).parent.parent.parent / "tools" / "simulation.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
