"""The exercise of writing read_documents takes any way of reading a file."""

import pytest

from microgpt.insights.course import find_course, load_course
from microgpt.sandbox import Job, Program, run_jobs

COURSE = load_course(find_course("microgpt"))
WAYS = [
    "with open(path) as lines:\n        text = lines.read()",
    "import io\n    text = io.open(path, encoding='utf-8').read()",
    "text = open(path, 'rb').read().decode()",
    "text = ''.join(open(path, mode='r', encoding='utf-8').readlines())",
    "import pathlib\n    text = pathlib.Path(path).read_text(encoding='utf-8')",
    "from pathlib import Path\n    text = Path(path).read_bytes().decode()",
    "from pathlib import Path\n    with Path(path).open() as lines:\n        text = ''.join(lines)",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_may_be_read_in_any_usual_way(way: str) -> None:
    learners = f"def read_documents(path):\n    {way}\n    return [x.strip() for x in text.split('\\n') if x.strip()]\n"
    files = (("reference.py", COURSE.subject_source), ("helpers.py", COURSE.helpers), ("answer.py", learners))
    job = Job(
        program=Program(files=files), expression="documents_of(lines)", inputs={"lines": ["mary ann", "", " zoë"]}
    )
    outcome = run_jobs([job], trusted=True)[0]
    assert outcome.value == ["mary ann", "zoë"], outcome.detail
