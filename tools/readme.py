"""Put real output into the README: every block under a `<!-- output of: COMMAND -->` is what that command prints.

    python tools/readme.py            write it
    python tools/readme.py --check    exit 1 where the README says something else

A command runs in a folder and a home of its own, with `microgpt` on the PATH and its standard input at its end, or with
the lines that stand behind `<<<`. Of the tests only the count is checked, not how long they took.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- output of: (?P<command>.+?) -->\n```text\n)(?P<output>.*?)(?=```\n)", re.DOTALL)
TESTS = "make test"
COUNTED = re.compile(r"(\d+) (?:passed|skipped|xfailed)")


def output_of(command: str) -> str:
    """Return what a command of the README prints, as a newcomer would see it."""
    line, _, typed = command.partition(" <<< ")
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "HOME": home,
            "MICROGPT_DATA_DIR": f"{home}/data",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "80",
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(
            line, shell=True, cwd=home, env=environment, input=typed.replace(r"\n", "\n"), capture_output=True,
            text=True, check=True,
        )  # fmt: skip
    return "\n".join(text.rstrip() for text in done.stdout.strip("\n").splitlines()) + "\n"


def summary_of_tests() -> str:
    """Run the quick tests and return the last line that pytest prints."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", "-m", "not slow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1].strip("= ") + "\n"


def number_of_tests() -> int:
    """Return how many quick tests there are."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not slow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    match = re.search(r"(\d+)(?:/\d+)? tests? collected", done.stdout)
    assert match is not None, done.stdout[-500:]
    return int(match[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    wrong: list[str] = []

    def block(match: re.Match[str]) -> str:
        command, old = match["command"], match["output"]
        if command == TESTS:
            if check and sum(map(int, COUNTED.findall(old))) == number_of_tests():
                return match[0]
            new = f"{number_of_tests()} tests\n" if check else summary_of_tests()
        else:
            new = output_of(command)
        if new != old:
            wrong.append(f"{command}\n--- the README says\n{old}--- it prints\n{new}")
        return match[1] + new

    fresh = BLOCK.sub(block, text)
    if not check:
        README.write_text(fresh, encoding="utf-8")
    elif wrong:
        sys.exit("\n".join([*wrong, "Try: python tools/readme.py"]))


if __name__ == "__main__":
    main()
