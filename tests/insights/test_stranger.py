"""A stranger's course that does harm wherever a course has code: nothing outside of the sandbox changes."""

from pathlib import Path

import pytest

from microgpt.insights.lint import lint_course
from microgpt.sandbox import support

pytestmark = pytest.mark.skipif(support() == "none", reason="nothing here can contain a stranger's code")

WAYS = {
    "call": ("a-mean-is-a-fair-share.md", "call: mean(numbers)", "call: mean(numbers) + 0 * len(HARM)"),
    "mutant": ("a-mean-is-a-fair-share.md", "+ sorted(numbers)[len(numbers) // 2]", "+ len(HARM)"),
    "helpers": ("helpers.py", '"""What the questions call."""', "HARM"),
    "subject": ("averages.py", '"""Two averages."""', "HARM"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_harm_in_a_call_a_mutant_the_helpers_or_the_subject_changes_nothing_outside(
    folder: Path, tmp_path: Path, way: str
) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("untouched")
    tmp_path.chmod(0o777)
    victim.chmod(0o666)
    name, old, new = WAYS[way]
    harm = f"[open(p, 'w').write('harmed') for p in [{str(victim)!r}, {str(folder / 'course.yaml')!r}]]"
    assert old in (folder / name).read_text()
    (folder / name).write_text((folder / name).read_text().replace(old, new.replace("HARM", harm)))
    before = {path: path.read_bytes() for path in [victim, *folder.iterdir()]}
    report = lint_course(folder)
    assert {path: path.read_bytes() for path in [victim, *folder.iterdir()]} == before
    assert report.findings  # the attempt failed, and that is told
