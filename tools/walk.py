"""Walk through a page of the docs as a reader would, in an empty folder, and put the real output into it.

    python tools/walk.py docs/tutorial-educator.md            write it
    python tools/walk.py docs/tutorial-educator.md --check    exit 1 where the page says something else

A ```console block holds commands after a `$ ` and what they print. A block under `<!-- file: NAME -->` is written to
that file, and `<!-- replace in NAME: OLD => NEW -->` edits one, as the text around it asks the reader to do.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STEP = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```\w*\n(?P<content>.*?)```\n"
    r"|<!-- replace in (?P<edited>\S+): (?P<old>.+?) => (?P<new>.+?) -->\n"
    r"|```console\n(?P<session>.*?)```\n",
    re.DOTALL,
)
SECONDS = re.compile(r"\b\d+\.\d s\b")


def walked(page: str, folder: Path) -> str:
    """Return a page with what its commands print today, all of them run in one folder."""
    return STEP.sub(lambda step: _step(step, folder), page)


def _step(step: re.Match[str], folder: Path) -> str:
    if step["file"]:
        (folder / step["file"]).write_text(step["content"], encoding="utf-8")
    elif step["edited"]:
        path = folder / step["edited"]
        text = path.read_text(encoding="utf-8")
        assert step["old"] in text, f"{step['edited']} does not say {step['old']!r}"
        path.write_text(text.replace(step["old"], step["new"], 1), encoding="utf-8")
    else:
        commands = re.findall(r"^\$ (.+)$", step["session"], re.MULTILINE)
        before = re.split(r"^\$ .+\n", step["session"], flags=re.MULTILINE)[1:]
        outputs = [_kept(old, _output(command, folder)) for command, old in zip(commands, before, strict=True)]
        return "```console\n" + "".join(f"$ {c}\n{o}" for c, o in zip(commands, outputs, strict=True)) + "```\n"
    return step[0]


def _kept(old: str, new: str) -> str:
    """Return the old output where only the seconds differ."""
    return old if SECONDS.sub("0.0 s", old) == SECONDS.sub("0.0 s", new) else new


def _output(command: str, folder: Path) -> str:
    environment = {
        "HOME": str(folder.parent),
        "MICROGPT_DATA_DIR": str(folder.parent / "data"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "80",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.strip("\n").splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    old = arguments.page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "sharing"
        folder.mkdir()
        new = walked(old, folder)
    if not arguments.check:
        arguments.page.write_text(new, encoding="utf-8")
    elif new != old:
        sys.exit(f"{arguments.page} is not what its commands print. Try: python tools/walk.py {arguments.page}")


if __name__ == "__main__":
    main()
