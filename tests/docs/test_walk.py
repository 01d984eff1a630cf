"""The pages that take a reader through a session, walked through again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.walk import walked

ROOT = Path(__file__).parents[2]
PAGE = """\
<!-- file: a.txt -->
```text
one
```
Now change it.
<!-- replace in a.txt: one => two -->
```console
$ cat a.txt
one
$ echo done in 1.5 s
done in 9.9 s
```
"""


def test_a_walk_prints_what_the_commands_print_and_only_seconds_may_differ(tmp_path: Path) -> None:
    assert walked(PAGE, tmp_path) == PAGE.replace("cat a.txt\none", "cat a.txt\ntwo")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["docs/tutorial-educator.md"])
def test_a_page_says_what_its_commands_print(page: str) -> None:
    command = [sys.executable, "tools/walk.py", page, "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
