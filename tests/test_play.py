"""The terminal lesson, driven line by line in this process: real course, real record, real sandbox."""

import io
import random
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import ascii_lowercase

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from microgpt import opening, reference
from microgpt.insights.course import find_course, load_course, plan
from microgpt.insights.locked import Fault, LockedInsight, LockedQuestion
from microgpt.learner.evidence import Json
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.play import Seat, sit_down
from microgpt.reference import encode, init_weights, loss_and_gradients
from microgpt.terminal import Terminal
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import LessonTools, teachable
from microgpt.tutor.view import Teachable
from microgpt.tutor.voices import Listing
from microgpt.tutor.voices.drawing import drawn_lines

LESSON = "me-microgpt"
GOAL = "optimizer"  # a short way through the course


def known_learner() -> Store:
    """Return a record in which the learner has a name, so that no model is trained first."""
    store = Store.in_memory()
    store.save_learner(Profile(id="me", name="Ada"))
    return store


def now() -> datetime:
    return datetime.now(UTC)


def play(
    lines: io.TextIOBase,
    store: Store,
    *,
    width: int = 80,
    plain: bool = False,
    days: int = 0,
    goal: str = GOAL,
    seat: Seat | None = None,
) -> tuple[str, bool]:
    """Sit down with this input, some days from now; return all that was shown, and whether no Ctrl-C ended it."""
    shown, before = io.StringIO(), sys.stdin
    terminal = Terminal(Console(file=shown, width=width), plain=plain, environ={})
    sys.stdin = lines
    try:
        ended = sit_down(seat or Seat(goal=goal), store, terminal, clock=lambda: now() + timedelta(days=days))
    finally:
        sys.stdin = before
    return shown.getvalue(), ended


def typed(*lines: str) -> io.StringIO:
    return io.StringIO("".join(f"{line}\n" for line in lines))


class Knowing(io.TextIOBase):
    """A learner who answers every question by `say`, else presses Enter; gives a name if asked; leaves at last."""

    def __init__(self, store: Store, say: Callable[[str, str], str], *, name: str = "", patience: int = 60) -> None:
        self._store, self._say, self._name, self._left = store, say, name, patience

    def isatty(self) -> bool:
        return False

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        self._left -= 1
        if self._name:
            name, self._name = self._name, ""
            return f"{name}\n"
        ask = current_state(self._store, LESSON, *self._store.snapshot(LESSON)).ask
        if not self._left:
            return ""
        return "\n" if ask is None or ask.exercise else self._say(ask.insight, ask.question) + "\n"


def key(insight: str, question: str) -> str:
    return show(teachable("microgpt").questions(insight)[question].key)


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_who_knows_everything_is_shown_their_name_at_the_start_and_what_is_theirs_at_the_end() -> None:
    store = Store.in_memory()
    shown, ended = play(Knowing(store, key, name="Zoë"), store)
    assert ended
    assert store.learner("me") == Profile(id="me", name="Zoë")
    assert "It leaves out: ë" in words(shown)
    assert "26 25 14 26" in words(shown)  # BOS z o BOS
    first, last = re.findall(r"(\d\.\d\d) -> (\d\.\d\d) nats a letter for 'zo'", words(shown))
    assert first == last
    before, after = map(float, first)
    untrained = opening.train_model(0, report=lambda line: None)
    assert before == round(loss_and_gradients(untrained.weights, encode("zo", untrained.chars), 4)[0], 2)
    assert after < before
    assert "Whether it was right is not told" in words(shown)  # the last questions measure
    course = load_course(find_course("microgpt"))
    for name in plan(course, GOAL):
        assert course.insights[name].claim in words(shown)
    assert re.search(r"Come back on \d{4}-\d\d-\d\d", words(shown))
    assert shown.rstrip().endswith("Saved. Go on with: microgpt tutor")


def test_who_comes_back_is_asked_what_is_due_and_not_told_again_how_the_last_question_ended() -> None:
    store = known_learner()
    play(typed("r", "r", "r"), store)
    back, _ = play(typed("q"), store)
    assert "Welcome back, Ada. We go on where you stopped." in words(back)
    assert "given away" not in words(back)

    store = known_learner()
    play(Knowing(store, key, patience=6), store)
    later, _ = play(Knowing(store, key, patience=4), store, days=60)
    assert re.search(r"Welcome back, Ada\. 4 things are due\. .* 1/4 ", words(later))
    assert re.search(r"Last seen (59|60) days ago\. [1-4]/4 ", words(later))


def test_a_question_asked_back_is_no_answer_and_leaves_the_open_one_open() -> None:
    store = known_learner()
    shown, _ = play(typed("why do we take e to the score?", "and what is a score?", "what else is there?"), store)
    assert words(shown).count("No model is here to answer") == 3
    assert "not counted" not in words(shown)
    state = current_state(store, LESSON, *store.snapshot(LESSON))
    assert state.ask is not None
    assert (state.turn, state.ask.unparsed) == (1, ())


def test_a_question_gets_what_the_course_says_about_its_words_and_the_code_behind_a_key() -> None:
    shown, _ = play(typed("what is softmax for?", "l", "l", "how tall is Mount Everest", "q"), known_learner())
    course = load_course(find_course("microgpt"))
    assert "No model is here to answer. In this course, this fits best:" in words(shown)
    assert f"softmax: {course.glossary['softmax']}" in words(shown)
    assert course.insights["softmax-makes-shares"].claim in words(shown)
    assert words(shown).count("def softmax") == 1  # the second l lists what the open question is about
    assert "Nothing in this course fits" in words(shown)


def test_the_idea_that_an_open_question_is_about_is_not_told_for_nothing() -> None:
    store = known_learner()
    LessonTools(store, clock=now).start(goal=GOAL)
    ask = current_state(store, LESSON, *store.snapshot(LESSON)).ask
    assert ask is not None
    insight = load_course(find_course("microgpt")).insights[ask.insight]
    shown, _ = play(typed(f"is it true: {insight.claim}?", "q"), store)
    assert "What fits best is the idea that you are asked about." in words(shown)
    assert words(shown).count(insight.claim.rstrip(".")) == 1  # where it was typed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a-derivative-is-sensitivity", "softmax-makes-shares", "text-is-numbers"])
def test_what_is_said_to_a_question_does_not_depend_on_the_open_ones_key(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole terminal: questions, code and hints, with the key alone changed."""
    taught = teachable("microgpt")
    locked = taught.lock.insights[name]
    course = replace(taught.course, goals={"it": (name,)})
    others = replace(locked, questions=tuple(map(with_another_key, locked.questions)))

    def heard(known: LockedInsight, *lines: str) -> str:
        lock = replace(taught.lock, insights={**taught.lock.insights, name: known})
        teach(Teachable(course=course, lock=lock), monkeypatch)
        return play(typed(*lines, "p", "q"), known_learner(), goal="it")[0]

    asked = ("why is it so?", f"what about {name.replace('-', ' ')}?", "l", "what is a token?", "l", "?", "?", "?")
    assert "fits best" in heard(locked, *asked)
    assert heard(locked, *asked) == heard(others, *asked)
    assert heard(locked, *asked, "?", "?") != heard(others, *asked, "?", "?")  # the last two hints do tell


def teach(taught: Teachable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tools find this, whatever course is asked for."""

    def teachable_here(course: str) -> Teachable:
        return taught

    monkeypatch.setattr("microgpt.tutor.tools.teachable", teachable_here)


def with_another_key(question: LockedQuestion) -> LockedQuestion:
    """Return the question with a key of the same shape, and every belief's answer as it is."""

    def other(value: Json) -> Json:
        return [other(item) for item in value] if isinstance(value, list) else _other_scalar(value)

    return replace(question, key=other(question.key))


def _other_scalar(value: Json) -> Json:
    return value + 0.75 if isinstance(value, int | float) else "z"


@pytest.mark.slow
def test_where_a_letter_is_asked_for_a_key_takes_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who answers with an r would have the answer told, and it would not count."""
    taught = teachable("microgpt")
    name, ask = next(
        (name, question)
        for name, insight in taught.lock.insights.items()
        for question in insight.questions
        if question.kind == "text" and question.key == "r"
    )
    one = replace(taught.lock.insights[name], questions=(ask, replace(ask, id="another")))
    course = replace(taught.course, goals={"it": (name,)})
    other = Teachable(course=course, lock=replace(taught.lock, insights={**taught.lock.insights, name: one}))
    teach(other, monkeypatch)
    for line, outcome in (("r", "right"), ("/r", "gave_up")):
        store = known_learner()
        shown, _ = play(typed("", line, "/q"), store, goal="it")  # Enter: on from the explanation
        assert "the keys take a slash" in words(shown)
        assert [event.body["outcome"] for event in store.events(LESSON) if event.kind == "evidence"] == [outcome]


def test_a_script_can_be_chosen_and_stands_in_the_command_that_goes_on() -> None:
    shown: dict[str, str] = {}
    for script in ("", "lecture"):
        seat, store = Seat(goal=GOAL, script=script), known_learner()
        shown[script], _ = play(typed("q"), store, seat=seat)
    assert "at most" in shown[""]  # it begins by finding out what need not be taught
    assert "at most" not in shown["lecture"]
    assert shown["lecture"].rstrip().endswith("Go on with: microgpt tutor --script lecture")


@pytest.mark.parametrize(("asked_for", "stays"), [(None, 25), (10, 10), (0, 0)])
def test_who_names_no_minutes_stays_as_long_as_their_profile_says(asked_for: int | None, stays: int) -> None:
    store = known_learner()
    store.save_learner(Profile(id="me", name="Ada", minutes=25))
    play(typed("q"), store, seat=Seat(goal=GOAL, minutes=asked_for))
    assert [event.body["minutes"] for event in store.events(LESSON) if event.kind == "start"] == [stays]


def test_a_wrong_answer_meets_the_belief_it_fits_in_the_educators_words() -> None:
    store = known_learner()
    told: list[tuple[str, str]] = []

    def believe(insight: str, question: str) -> str:
        """Answer as somebody with the first misconception that this question shows and that gives a value."""
        asked = teachable("microgpt").questions(insight)[question]
        beliefs = load_course(find_course("microgpt")).insights[insight].misconceptions
        belief = next(b for b in beliefs if b.id in asked.shows and not isinstance(asked.answers[b.id], Fault))
        told.append((belief.belief, show(asked.answers[belief.id])))  # type: ignore[arg-type]
        return told[-1][1]

    shown, _ = play(Knowing(store, believe, patience=12), store)
    assert any(f"You said {answer}. That is what it would give" in words(shown) for _, answer in told)
    assert any(f"“{belief}”" in words(shown) for belief, _ in told)


@pytest.mark.slow
@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # a lesson is too long to shrink
@given(
    width=st.sampled_from([40, 41, 60, 80, 200]),
    lines=st.lists(
        st.sampled_from(
            ["", "?", "r", "s", "l", "p", "x", "x no", "[0.5, 0.5]", "3", "a", "what?", "\x1b[2J", "明" * 60]
        ),
        max_size=25,
    ),
)
def test_whatever_is_typed_no_line_is_too_wide_and_no_control_code_is_shown(width: int, lines: list[str]) -> None:
    shown, ended = play(typed(*lines), known_learner(), width=width)
    too_wide = [row for row in shown.splitlines() if cell_len(row) > min(width, 80) and not row.startswith("> ")]
    assert not too_wide
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", shown)
    assert ended
    assert shown.rstrip().endswith("microgpt tutor")


@pytest.mark.parametrize("width", [40, 80])
def test_every_line_of_the_reference_fits_with_a_value_beside_it(width: int) -> None:
    lines = tuple(Path(reference.__file__).read_text().splitlines())
    value = "shares = [0.1429, 0.2857, 0.5714]"
    block = Listing(file="reference.py", start=1, lines=lines, values=dict.fromkeys(range(1, len(lines) + 1), value))
    drawn = drawn_lines(block, width, "")
    assert max(cell_len(line.plain) for line in drawn) <= width
    shown = "\n".join(line.plain for line in drawn)
    assert shown.count(value) == len(lines)
    in_a_row = "".join(shown.replace(value, "").split())
    for line in lines:
        assert "".join(line.partition("  # ")[0].split()) in in_a_row


def test_code_just_drawn_is_not_drawn_again_but_with_its_values_or_by_the_key() -> None:
    shown = io.StringIO()
    terminal = Terminal(Console(file=shown, width=80), plain=False, environ={})
    bare = Listing(file="x.py", start=1, lines=("total = sum(numbers)",))
    for block, again in ((bare, False), (bare, False), (replace(bare, values={1: "total = 3"}), False), (bare, True)):
        terminal.show((block,), again=again)
    assert shown.getvalue().count("sum(numbers)") == 3
    assert "The code is the same as above: x.py. l shows it." in words(shown.getvalue())
    terminal.show((replace(bare, lines=("total = 0",)),))
    assert "total = 0" in shown.getvalue()


def test_plain_is_ascii_with_a_whole_sentence_a_line() -> None:
    store = known_learner()
    store.save_learner(Profile(id="me", name="Zoë"))
    shown, _ = play(typed("", "l", "?", "[1]", "", "", "", "r", "p"), store, plain=True)
    assert shown.isascii()
    assert "Welcome back, Zoe. We go on where you stopped." in shown.splitlines()
    assert "" not in shown.splitlines()


def test_a_control_code_that_was_typed_is_shown_but_never_sent() -> None:
    store = known_learner()
    store.save_learner(Profile(id="me", name="A\x1b[2Jda"))
    shown, _ = play(typed("\x1b[2J[0, 0, 1]", "\x07"), store)
    assert "Welcome back, A\\x1b[2Jda." in words(shown)
    assert "> \\x1b[2J[0, 0, 1]" in shown
    assert not {"\x1b", "\x07"} & set(shown)


def test_an_answer_that_was_not_understood_is_not_counted_and_the_third_one_brings_options() -> None:
    store = known_learner()
    shown, _ = play(typed("well", "hm", "so what"), store)
    assert shown.count("not counted") == 3
    assert len(re.findall(r"^ +[abc]\) ", shown, flags=re.MULTILINE)) >= 3
    assert not [event for event in store.events(LESSON) if event.kind == "evidence"]


def test_outside_placement_passing_is_asked_for_twice() -> None:
    def skips(store: Store) -> int:
        return sum(event.kind == "skip" for event in store.events(LESSON))

    store = known_learner()
    turn = LessonTools(store, clock=now).start(goal=GOAL)
    while turn.move != "ask":
        turn = LessonTools(store, clock=now).next(LESSON, turn.ack) if not turn.ask else (
            LessonTools(store, clock=now).skip(LESSON, turn.ask.ask_id)
        )  # fmt: skip
    before = skips(store)
    shown, _ = play(typed(""), store)
    assert "Pass?" in shown
    assert skips(store) == before
    play(typed("", ""), store)
    assert skips(store) == before + 1


def test_a_closed_question_can_be_contested_and_is_computed_again() -> None:
    store = known_learner()
    shown, _ = play(typed("x early", "r", "x it should be 2"), store)
    assert "x and a reason contest the question before this one" in words(shown)
    assert "The answer stands." in words(shown)


def test_a_question_that_only_measures_gives_no_hint_and_cannot_be_contested() -> None:
    store = known_learner()
    play(Knowing(store, key, patience=4), store)  # placed, and then asked the first of the last questions
    shown, ended = play(typed("?", "r", "1", "[1, 0, 0]", "x it should be 2", "s"), store)
    assert ended
    assert "only measures: no hint" in words(shown)
    assert "only measures: no reveal" in words(shown)
    assert "only measures, so it cannot be contested" in words(shown)
    assert "or ? for a hint" not in words(shown)
    assert [event.kind for event in store.events(LESSON)].count("hint") == 0


def test_a_question_that_another_window_closed_is_left_behind() -> None:
    store = known_learner()

    class TwoWindows(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            state = current_state(store, LESSON, *store.snapshot(LESSON))
            if state.turn == 1 and state.ask:
                LessonTools(store, clock=now).skip(LESSON, state.ask.ask_id)
                return "?\n"
            return ""

    shown, _ = play(TwoWindows(), store)
    assert "is not open" in words(shown)
    assert "2/" in shown


def test_an_untrained_model_is_about_as_surprised_as_one_that_guesses() -> None:
    rng = random.Random(1)
    model = opening.Model(weights=init_weights(rng, 27), chars=list(ascii_lowercase), rng=rng)
    assert model.surprise("ada") == pytest.approx(3.2958, abs=0.3)


@given(st.text(alphabet=f"{ascii_lowercase}AÉß -明", max_size=40))
def test_whatever_the_name_its_letters_fit_the_model_and_the_table_holds_each_token(name: str) -> None:
    letters = opening.letters_of(name)
    assert len(letters) <= opening.MOST_LETTERS
    for width in (40, 80):
        rows = opening.token_table(letters, width)
        assert "".join(rows[::2]).replace(" ", "") == f"^{letters}$"
        assert [int(token) for token in " ".join(rows[1::2]).split()] == encode(letters, ascii_lowercase)
        assert max(len(row) for row in rows) + 6 <= width
