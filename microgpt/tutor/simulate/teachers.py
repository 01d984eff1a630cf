"""Who teaches: a script, and the baselines that it is compared with in the same run.

    answer-bot   the script's questions, each with its answer given away at once
    lecture      every idea explained in order, one question after each; `skills/microgpt-tutor/lecture.yaml`
    random       a move drawn from those that apply
    oracle       no lesson at all: it looks into the head and teaches what is missing, as long as the time lasts

The oracle is the most that these learners could learn in that time, not a tutor that anybody could build.
"""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from microgpt.content import content_folder
from microgpt.errors import ConfigError
from microgpt.insights.subject import read_text
from microgpt.tutor.script import Facts, Script, parse_script
from microgpt.tutor.turns import Move

SCRIPTS = {"microgpt-tutor": "script.yaml", "lecture": "lecture.yaml"}  # of the bundled skill


@dataclass(frozen=True, kw_only=True)
class RandomScript(Script):
    """Draws a move from those that apply; it ends a lesson only when there is nothing left."""

    rng: random.Random = field(compare=False)

    def choose(self, facts: Facts) -> Move:
        if facts.nothing_left:
            return "finish"
        applies: dict[Move, bool] = {
            "review": facts.reviews_due > 0,
            "place": facts.placing,
            "predict": True,
            "explain": not facts.worked,
            "demonstrate": not facts.worked,
            "ask": True,
            "confront": facts.counter or facts.slipped,
            "practise": not facts.practised,
        }
        return self.rng.choice([move for move, does in applies.items() if does])


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """One way of teaching.

    Args:
        script: None for the oracle, which follows none.
    """

    name: str
    script: Script | None
    way: Literal["script", "answer-bot", "random", "oracle"] = "script"

    def script_for(self, seed: str) -> Script | None:
        """Return the script to be followed in one lesson; only a random one differs from lesson to lesson."""
        if self.way != "random" or self.script is None:
            return self.script
        like = self.script
        return RandomScript(
            id="random",
            title="A move drawn from those that apply",
            placement=like.placement,
            tries=like.tries,
            rules=like.rules,
            rng=random.Random(seed),
        )


def find_script(name: str) -> Script:
    """Read a script: one of the bundled skill by its name, or a file, or a skill's folder.

    Raises:
        ConfigError: there is none of that name.
        CourseError: it cannot be read.
    """
    path = Path(name)
    if name in SCRIPTS:
        path = content_folder("skills") / "microgpt-tutor" / SCRIPTS[name]
    elif path.is_dir():
        path = path / "script.yaml"
    if not path.is_file():
        raise ConfigError(f"no script {name!r}: it is no file and none of {', '.join(SCRIPTS)}. Try microgpt-tutor.")
    return parse_script(read_text(path, str(path)), str(path))


def with_baselines(scripts: list[Script]) -> tuple[Teacher, ...]:
    """Return the scripts as teachers, then the baselines; the answer-bot asks what the first script asks."""
    first, lecture = scripts[0], find_script("lecture")
    teachers = [Teacher(name=script.id, script=script) for script in scripts]
    if all(script != lecture for script in scripts):
        teachers.append(Teacher(name="lecture", script=lecture))
    return (
        *teachers,
        Teacher(name="answer-bot", script=replace(first, id="answer-bot"), way="answer-bot"),
        Teacher(name="random", script=first, way="random"),
        Teacher(name="oracle", script=None, way="oracle"),
    )
