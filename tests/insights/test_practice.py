"""Exercises from a course and its lock: what they show, which one a seed chooses, how lines and verdicts are graded."""

import ast
import textwrap
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.insights.course import load_course
from microgpt.insights.locked import Experiment
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.practice import VERDICTS, Exercise, choose_exercise, grade_choice, grade_line, make_exercises
from microgpt.insights.practice_blank import HOLE
from microgpt.insights.subject import without_comments
from microgpt.tutor.tools import teachable

TAUGHT = teachable("microgpt")
MADE = {name: make_exercises(TAUGHT.course, locked) for name, locked in TAUGHT.lock.insights.items()}
EVERY = [exercise for made in MADE.values() for exercise in made]
OURS = ("adam-corrects-its-bias", "attention-is-a-weighted-average", "softmax-makes-shares")


def of_kind(*kinds: str) -> list[Exercise]:
    return [exercise for exercise in EVERY if exercise.kind in kinds]


def subject_lines(exercise: Exercise) -> list[str]:
    """Return the lines of the subject in the place of those that an exercise shows."""
    return TAUGHT.course.subject_source.split("\n")[exercise.start - 1 :][: len(exercise.lines)]


def test_every_kind_is_made_of_the_bundled_course():
    assert {exercise.kind for exercise in EVERY} >= {"hunt", "blank", "write"}
    assert all(len({exercise.id for exercise in made}) == len(made) for made in MADE.values())


def test_a_hunt_shows_what_its_mutant_makes_of_the_subject_and_its_key_is_where_they_differ():
    for name in OURS:
        insight = TAUGHT.course.insights[name]
        for belief in insight.misconceptions:
            hunt = next(e for e in MADE[name] if e.id == f"hunt/{belief.id}")
            mutated = apply_mutant(TAUGHT.course.subject_source, belief.mutant).split("\n")
            original = TAUGHT.course.subject_source.split("\n")
            assert hunt.lines == without_comments(mutated)[hunt.start - 1 :][: len(hunt.lines)]
            differ = [n for n, (a, b) in enumerate(zip(original, mutated, strict=True), 1) if a != b]
            assert hunt.key == differ
            assert belief.belief in hunt.task


def test_every_hunt_leaves_lines_to_rule_out_and_its_key_is_among_those_shown():
    for hunt in of_kind("hunt"):
        shown = range(hunt.start, hunt.start + len(hunt.lines))
        assert set(hunt.key) < set(shown)
        first = ast.parse(textwrap.dedent("\n".join(hunt.lines))).body[0]
        assert isinstance(first, ast.FunctionDef)
        said = ast.get_docstring(first, clean=False) or ""
        code = [line for line in hunt.lines if line.strip() and line.strip().strip('"') not in said]
        assert len(hunt.key) + 2 <= len(code)


def test_no_comment_stands_beside_an_edit_for_it_would_speak_of_what_was_there_before():
    """The subject says "dot products over root D" on a line whose edit forgets the root."""
    shown = [line for exercise in of_kind("hunt", "experiment") for line in exercise.lines]
    assert shown
    assert not [line for line in shown if "#" in line]
    assert any("  # " in line for line in subject_lines(next(e for e in EVERY if e.insight.startswith("scores-"))))


def test_a_blank_filled_with_its_key_is_the_subject_again():
    for blank in of_kind("blank"):
        assert f"{blank.before}{blank.key}{blank.after}" == TAUGHT.course.subject_source
        assert sum(line.count(HOLE) for line in blank.lines) == 1
        filled = "\n".join(blank.lines).replace(HOLE, blank.key)
        assert filled.split("\n") == subject_lines(blank)


def test_no_blank_is_trivial_or_a_key_of_the_terminal():
    for blank in of_kind("blank"):
        assert len(blank.key) > 1
        body = ast.parse(blank.key, mode="eval").body
        assert not (isinstance(body, ast.Constant) and isinstance(body.value, str))


def test_blanks_stand_on_lines_that_a_misconception_is_about():
    for name in OURS:
        changed = {line for exercise in MADE[name] if exercise.kind == "hunt" for line in exercise.key}
        blanks = [exercise for exercise in MADE[name] if exercise.kind == "blank"]
        assert blanks
        for blank in blanks:
            assert next(n for n, line in enumerate(blank.lines, blank.start) if HOLE in line) in changed


def test_no_blank_stands_where_no_misconception_shows_that_a_question_would_tell():
    keys = {name: [e.key for e in made if e.kind == "blank"] for name, made in MADE.items()}
    assert keys["embeddings-are-rows-looked-up"] == ["[table.data[i] for i in ids]"]  # not the parents, nor `pull`
    assert keys["a-document-is-a-line"] == []  # `path`, for which a question puts what is read
    assert "target" in keys["shares-minus-truth"]
    assert "target" not in keys["the-loss-is-surprise"]


def test_what_is_to_be_written_shows_the_first_lines_and_nothing_of_the_body():
    for write in of_kind("write"):
        assert write.lines[:-1] == tuple(subject_lines(write)[: len(write.lines) - 1])
        assert write.lines[-1].strip() == "..."
        function = ast.parse("\n".join(write.lines)).body[0]
        assert isinstance(function, ast.FunctionDef)
        assert len(function.body) == 1 + (ast.get_docstring(function) is not None)
        source = f"{write.before}\n{write.answer}\n{write.after}"
        assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(TAUGHT.course.subject_source))


def test_who_is_to_write_a_function_is_told_what_decides_how_it_is_tried():
    tasks = {name: e.task for name, made in MADE.items() for e in made if e.kind == "write"}
    assert "Use `open` in it" in tasks["a-document-is-a-line"]
    assert "with the function inside it" in tasks["embeddings-are-rows-looked-up"]
    assert all("inside" not in task and "`open`" not in task for task in (tasks[name] for name in OURS))


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_that_the_lock_holds_can_be_predicted(verdict):
    name = OURS[0]
    belief = TAUGHT.course.insights[name].misconceptions[0].id
    found = Experiment(hash="x", verdict=verdict, difference=0.12, low=0.08, high=0.15)
    made = make_exercises(TAUGHT.course, replace(TAUGHT.lock.insights[name], experiments={belief: found}))
    exercise = next(e for e in made if e.kind == "experiment")
    letters = ("worse", "no difference", "crashes", "better")
    right = grade_choice(exercise, "abcd"[letters.index(verdict)], letters)
    assert (right.outcome, right.parsed) == ("right", verdict)
    assert {grade_choice(exercise, letter, letters).outcome for letter in "abcd"} == {"right", "wrong"}
    assert grade_choice(exercise, "well", letters).outcome == "unparsed"
    assert "+0.12 (+0.08 to +0.15)" in exercise.answer


@pytest.mark.parametrize("verdict", ["not comparable", "refused", "not in training"])
def test_what_no_training_can_answer_is_not_asked(verdict):
    name = OURS[0]
    belief = TAUGHT.course.insights[name].misconceptions[0].id
    found = {belief: Experiment(hash="x", verdict=verdict)}
    made = make_exercises(TAUGHT.course, replace(TAUGHT.lock.insights[name], experiments=found))
    assert "experiment" not in {exercise.kind for exercise in made}


def test_an_insight_without_code_gives_no_exercise():
    bare = replace(TAUGHT.course.insights[OURS[0]], anchor="")
    course = replace(TAUGHT.course, insights={OURS[0]: bare})
    assert make_exercises(course, TAUGHT.lock.insights[OURS[0]]) == ()


# ---- edits of other shapes, in a course of a few lines


SUBJECT = '''\
OFFSET = 1


def steps(x):
    """Three steps."""
    y = x + 1
    z = y * 2
    w = z - 3
    return w


def half(x):
    """Half.

    Of any number.
    """
    return x / 2
'''
PAGE = """\
---
id: steps-in-turn
claim: Each step takes what the one before it made.
anchor: {anchor}
ask: What comes out?
call: steps(x)
within: 0.005
questions:
  one: {{x: 1}}
misconceptions:
  it:
    belief: It is otherwise.
    mutant: |
{diff}
    counter: one
---
Text.
"""


def test_a_function_of_one_line_is_no_hunt_however_long_its_docstring(tmp_path):
    kinds = {exercise.kind for exercise in made_of(tmp_path, "- return x / 2\n+ return x", anchor="half")}
    assert "hunt" not in kinds
    assert "blank" in kinds


def made_of(tmp_path, diff, anchor="steps"):
    (tmp_path / "course.yaml").write_text(
        "format: 1\nid: small\ntitle: Small\nsubject: small.py\norder: [steps-in-turn]\n"
    )
    (tmp_path / "small.py").write_text(SUBJECT)
    indented = "\n".join(f"      {line}" for line in diff.splitlines())
    (tmp_path / "steps-in-turn.md").write_text(PAGE.format(diff=indented, anchor=anchor))
    locked = replace(TAUGHT.lock.insights[OURS[0]], id="steps-in-turn", questions=(), experiments={})
    return make_exercises(load_course(tmp_path), locked)


@pytest.mark.parametrize(
    ("diff", "key"),
    [
        ("- y = x + 1\n+ y = x", [6]),
        ("- z = y * 2", [6, 7]),  # cut out: the lines on both sides of the gap
        ("- y = x + 1\n+ y = x\n- return w\n+ return z", [6, 9]),  # two hunks: any changed line
        ("- y = x + 1\n+ y = x + 1\n+ y = y + y", [7]),  # added: the new line
    ],
)
def test_the_key_of_a_hunt_is_every_line_that_an_edit_touches(tmp_path, diff, key):
    hunt = next(e for e in made_of(tmp_path, diff) if e.kind == "hunt")
    assert hunt.key == key
    assert " / " not in hunt.answer  # which would be read as code
    graded = {line: grade_line(hunt, str(line)).outcome for line in range(4, 4 + len(hunt.lines))}
    assert {line for line, outcome in graded.items() if outcome == "right"} == set(key)


@pytest.mark.parametrize(
    ("diff", "keys"),
    [
        ("- y = x + 1\n+ y = x", ["x + 1"]),
        ("- y = x + 1\n+ y = x - 1\n- w = z - 3\n+ w = z", ["x + 1", "z - 3"]),
        ("- z = y * 2\n+ z = abs(y * 2)", ["y * 2"]),  # what stands beside a word that was added
        ("- return w\n+ return", []),
        ("- OFFSET = 1\n+ OFFSET = 2", ["x + 1", "y * 2", "z - 3"]),  # nothing tells which
    ],
)
def test_what_is_left_blank_lies_at_what_an_edit_changes(tmp_path, diff, keys):
    assert [e.key for e in made_of(tmp_path, diff) if e.kind == "blank"] == keys


@pytest.mark.parametrize("diff", ["- OFFSET = 1\n+ OFFSET = 2", "- y = nowhere\n+ y = x"])
def test_an_edit_that_is_not_in_the_code_shown_makes_no_hunt(tmp_path, diff):
    made = made_of(tmp_path, diff)
    assert {exercise.kind for exercise in made} == {"blank", "write"}


def test_a_statement_is_met_in_its_function_and_a_name_alone_can_only_be_hunted_for(tmp_path):
    assert made_of(tmp_path, "- z = y * 2\n+ z = y", anchor="steps.z")[0].lines[0] == "def steps(x):"
    assert made_of(tmp_path, "- OFFSET = 1\n+ OFFSET = 2", anchor="OFFSET") == ()  # one line: nothing to rule out


# ---- choosing, and grading without running anything


@given(st.text())
def test_the_same_seed_chooses_the_same_exercise_whatever_the_order(seed):
    made = MADE[OURS[0]]
    chosen = choose_exercise(made, seed)
    assert chosen in made
    assert choose_exercise(made[::-1], seed) == chosen


def test_seeds_choose_every_kind_and_many_blanks_do_not_outweigh_the_others():
    chosen = [choose_exercise(MADE[OURS[0]], str(seed)).kind for seed in range(300)]
    assert all(chosen.count(kind) > 50 for kind in ("hunt", "blank", "write", "experiment"))


def test_where_no_code_may_run_none_is_asked_for():
    assert {choose_exercise(MADE[OURS[0]], str(seed), may_run=False).kind for seed in range(50)} == {
        "hunt",
        "experiment",
    }
    codes = [exercise for exercise in MADE[OURS[0]] if exercise.runs_code]
    assert choose_exercise(codes, "any", may_run=False) is None
    assert choose_exercise((), "any") is None


@given(st.integers(-5, 400), st.sampled_from(["{}", "line {}", "I think it is {}.", "{}?"]))
def test_a_line_is_right_wrong_or_no_line_of_those_shown(number, sentence):
    for hunt in of_kind("hunt")[:6]:
        grade = grade_line(hunt, sentence.format(number))
        shown = hunt.start <= number < hunt.start + len(hunt.lines)
        assert grade.outcome == ("right" if number in hunt.key else "wrong" if shown else "unparsed")
        assert (grade.parsed == number) == shown


@pytest.mark.parametrize("words", ["", "the one with exp", "91 or 92", "91.5", "not 91", "all of them"])
def test_what_is_no_line_is_unparsed_and_says_which_there_are(words):
    hunt = of_kind("hunt")[0]
    grade = grade_line(hunt, words)
    assert grade.outcome == "unparsed"
    assert str(hunt.start) in grade.why


def test_an_exercise_that_is_printed_does_not_tell_its_key():
    for exercise in EVERY:
        shown = " ".join([exercise.task, *exercise.lines, *exercise.options, exercise.file])
        told = repr(replace(exercise, lines=()))
        assert "key=" not in told
        assert "answer=" not in told
        if exercise.kind == "write":
            assert exercise.answer not in shown
