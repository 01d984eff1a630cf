"""Write docs/simulation.md: what simulated learners are made of, and what they came to.

python tools/simulation.py [COURSE]         simulate, which takes minutes, and write it
python tools/simulation.py --check          exit 1 where the page's learners and assumptions are not those of the code
"""

import argparse
import dataclasses
import os
from pathlib import Path

from microgpt import __version__
from microgpt.tutor.simulate.assumptions import NAMES, Assumptions
from microgpt.tutor.simulate.learner import DESCRIBED
from microgpt.tutor.simulate.simulation import simulate

PAGE = Path(__file__).parent.parent / "docs" / "simulation.md"
RUNS = (  # what stands on the page: goal, learners, sweeps
    ("", 120, ("half", "double")),
    ("optimizer", 60, ("half", "double")),
)

TEXT = """\
<!-- Written by tools/simulation.py: do not change it by hand. -->

# Simulated learners

Before a teaching script meets people, it meets learners that are a few dozen lines of code. They show whether the
machinery holds: whether every lesson ends, whether a belief that somebody holds is named, whether the record takes for
mastered what is not known. **They are not people, and nothing here says how well anybody learns.** A script that loses
here has a fault to be looked for; one that wins has shown nothing yet.

    microgpt simulate --script my-script.yaml

A simulated learner holds, for every insight, that it is known, or a belief against it, or nothing. Where it holds a
belief it runs that belief's mutant in place of the subject; both have been run already, so it looks their answers up in
the lock. It forgets, slips, guesses and learns, each with a probability. The lesson is the real one: the same policy,
record, rendering and grading, with a list in place of the database.

Every script gets the same learners and the same time: a lesson, and two visits after it that a script uses or does not.
The score is the probability of a right answer to the held-out questions of the goal, as it follows from the head. It is
not sampled, and no lesson's question counts. The baselines:

- **lecture**: every idea explained in order, with one question after each (`skills/microgpt-tutor/lecture.yaml`);
- **answer-bot**: the script's questions, each with its answer given away at once;
- **random**: a move drawn from those that apply;
- **oracle**: it looks into the head and teaches what is missing. No tutor can do that; it is the most there is to gain.

"Beats" means that the 95% interval of the differences, learner by learner, lies above zero.
"""


def made_of() -> str:
    """Return what the learners are made of, in Markdown."""
    kinds = [f"| {kind} | {text} |" for kind, text in DESCRIBED.items()]
    usual = Assumptions()
    values = dataclasses.asdict(usual)
    assumptions = [f"| `{name}` | {values[name]:g} | {usual.reason(name)} |" for name in NAMES]
    return "\n".join(
        [
            "## Who they are",
            "",
            "Every other learner has one planted belief, each belief of the goal in turn; the rest are of the other",
            "kinds in turn.",
            "",
            "| kind | |",
            "|---|---|",
            *kinds,
            "",
            "## What is assumed",
            "",
            "None of these numbers was fitted. They stand in `microgpt/tutor/simulate/assumptions.py`, and were set",
            "before any script was compared. A result counts only if it holds with each of them halved and doubled.",
            "",
            "| assumption | | why |",
            "|---|---:|---|",
            *assumptions,
            "",
        ]
    )


def results(course: str, goal: str, learners: int, changes: tuple[str, ...]) -> str:
    """Simulate, and return what came of it."""
    processes = min(2, os.cpu_count() or 1)
    report = simulate(course, goal=goal, learners=learners, changes=changes, processes=processes)
    words = ["microgpt simulate"] + [f"--goal {goal}"] * bool(goal) + [f"--learners {learners}"]
    command = " ".join(words + [f"--assumptions {change}" for change in changes])
    return f"    {command}\n\n```text\n{report.to_text()}\n```\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/simulation.md.")
    parser.add_argument("course", nargs="?", default="microgpt")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.check:
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        raise SystemExit(0 if page.startswith(f"{TEXT}\n{made_of()}") else 1)
    found = [results(args.course, *each) for each in RUNS]
    heading = f"## What came of it\n\nWith version {__version__} and the course as it was then."
    PAGE.write_text("\n".join([TEXT, made_of(), heading, "", *found]), encoding="utf-8")


if __name__ == "__main__":
    main()
