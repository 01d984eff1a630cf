"""Write docs/tour.md: what a learner with two misconceptions, who leaves in the middle of a question, sees in two days.

python -m tools.tour            write it
python -m tools.tour --check    exit 1 where the page is not what the tutor says today
"""

import argparse
import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from microgpt.insights.course import find_course, load_course
from microgpt.learner.store import Store
from microgpt.play import Seat
from microgpt.tutor.state import LessonState, OpenAsk
from tools.scripted_learner import Respond, believing, sit

PAGE = Path(__file__).parent.parent / "docs" / "tour.md"
GOAL, LESSON = "optimizer", "me-microgpt"
IDEA, BELIEFS = "adam-keeps-two-averages", ("square-of-the-mean", "newest-counts-most")
BUILT_ON_IT = ("adam-corrects-its-bias",)
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
TEXT = """\
# A tour

Ada wants to understand how a model's weights are moved. She knows a good deal, and is wrong about two things:

{beliefs}

What is built on that she passes. Nobody has told the tutor. On Monday she leaves in the middle of a question; on
Tuesday she is back. No model is asked; a `>` stands before what she types. This page is written by
`python -m tools.tour`, and a test compares it.

## Monday

```text
$ microgpt tutor --goal {goal}
{monday}
```

## Tuesday

The question she left open counts for nothing; the same idea comes with another one.

```text
$ microgpt tutor
{tuesday}
```
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    page = tour()
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
    elif page != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{PAGE.name} is not what the tutor says today. Try: python -m tools.tour")


def tour() -> str:
    """Return the page."""
    insights = load_course(find_course("microgpt")).insights
    words = {belief.id: belief.belief for belief in insights[IDEA].misconceptions}
    with Store.in_memory() as store:
        monday = _sitting(store, Seat(goal=GOAL), leaves_in_the_middle, MONDAY, "Ada")
        tuesday = _sitting(store, Seat(), leaves_when_it_is_understood, MONDAY + timedelta(days=1), "")
    return TEXT.format(
        goal=GOAL, beliefs="\n".join(f"- “{words[belief]}”" for belief in BELIEFS), monday=monday, tuesday=tuesday
    )


def leaves_in_the_middle(ask: OpenAsk | None, state: LessonState) -> str | None:
    """Answer as Ada does, and leave when her second belief is confronted."""
    return None if state.plan is not None and state.plan.belief == BELIEFS[1] else _ada(ask, state)


def leaves_when_it_is_understood(ask: OpenAsk | None, state: LessonState) -> str | None:
    """Answer as Ada does, and leave once she was right about the idea."""
    return "q" if state.insight(IDEA).last == "right" else _ada(ask, state)


def _ada(ask: OpenAsk | None, state: LessonState) -> str | None:
    """Answer by what Ada believes; she passes what is built on it until she has understood it."""
    builds_on_it = ask is not None and ask.insight in BUILT_ON_IT and state.insight(IDEA).last != "right"
    return "" if builds_on_it else _believing(ask, state)


_believing: Respond = believing("microgpt", {IDEA: BELIEFS})


def _sitting(store: Store, seat: Seat, respond: Respond, now: datetime, name: str) -> str:
    shown = io.StringIO()
    console = Console(file=shown, width=80)
    sit(seat, store, respond, now=now, lesson=LESSON, name=name, console=console)
    return "\n".join(line.rstrip() for line in shown.getvalue().strip("\n").splitlines())


if __name__ == "__main__":
    main()
