"""The bundled skills are Agent Skills that every client reads, and what they tell an agent to type is there."""

import re
from pathlib import Path

import click
import pytest
import yaml

from microgpt.cli import app
from microgpt.content import content_folder
from microgpt.tutor.script import parse_script
from microgpt.tutor.turns import EXITS

SKILLS = sorted(path.parent for path in content_folder("skills").glob("*/SKILL.md"))
FIELDS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}  # of the open format
LONGEST = 9_000  # bytes: some clients cut what they read at about 10 kB


@pytest.mark.parametrize("folder", SKILLS, ids=lambda folder: folder.name)
def test_a_skill_has_the_fields_of_the_format_and_fits_into_every_client(folder: Path) -> None:
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["name"] == folder.name
    assert head.keys() <= FIELDS
    assert 1 <= len(head["description"]) <= 1024
    assert re.search(r'^description: "', text, re.MULTILINE)  # unquoted, a colon in it makes a client drop the skill
    assert len(text.encode()) < LONGEST


def test_every_command_that_the_tutor_skill_names_is_a_lesson_tool() -> None:
    text = (content_folder("skills") / "microgpt-tutor" / "SKILL.md").read_text(encoding="utf-8")
    lesson = app.get_command(click.Context(app), "lesson")
    assert isinstance(lesson, click.Group)
    named = set(re.findall(r"`microgpt lesson (\w+)", text)) | {"contest", *EXITS}
    assert named <= set(lesson.commands)
    assert {f"`{exit_}`" for exit_ in EXITS if exit_ != "answer"} <= set(re.findall(r"`\w+`", text))


def test_the_tutor_skill_holds_a_script_that_can_be_read() -> None:
    path = content_folder("skills") / "microgpt-tutor" / "script.yaml"
    assert parse_script(path.read_text(encoding="utf-8"), str(path)).rules
