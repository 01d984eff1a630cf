"""Write docs/scripts.md, the words of which a teaching script is made, from the code that obeys them.

python tools/vocabulary.py                  write it
python tools/vocabulary.py --check          exit 1 where it says something else than the code
"""

import argparse
import dataclasses
import inspect
import re
from pathlib import Path

from microgpt.content import content_folder
from microgpt.tutor.script import LAST, Facts, Script
from microgpt.tutor.state import PASSES
from microgpt.tutor.turns import MOVES

PAGE = Path(__file__).parent.parent / "docs" / "scripts.md"
FACT = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
KINDS = {"bool": "`true` or `false`", "int": 'a comparison: `">= 1"`', "str": f"one of {', '.join(LAST)}, or several"}

TEXT = """\
<!-- Written by tools/vocabulary.py: do not change it by hand. -->

# Teaching scripts

How to teach is a file of rules. Before every turn they are gone through from the top, and the first one whose facts
all hold decides the move. What the move is about (which idea, which question) is chosen by the policy, so that a script
stays short and cannot break the record: no script can grade, credit an answer, tell an open question's key, or ask the
same question twice in a row.

    microgpt tutor --script my-script.yaml
    microgpt simulate --script my-script.yaml

This is the default script, `skills/microgpt-tutor/script.yaml`. Beside it stands `lecture.yaml`, which explains
everything in order, to be compared with.

```yaml
{script}```

- `placement` is the most questions that a lesson begins with (0: none), `tries` the questions about one idea after
  which it is left for another sitting ({tries} if it is not given, and never more).
- The last rule must always hold. A move that has nothing to be done with is taken for `ask`, and for `finish`
  where no idea is left.
- No lesson goes on for ever: an idea is set aside after its tries, or when {passes} of its questions in a row were
  passed over, until the learner comes back.

## Facts

A condition on several facts holds when each of them does.
"""


def page() -> str:
    """Return the page in Markdown."""
    script = (content_folder("skills") / "microgpt-tutor" / "script.yaml").read_text(encoding="utf-8")
    intro = TEXT.format(script=script, tries=Script.tries, passes=PASSES)
    moves = [f"| `{move}` | {text} |" for move, text in MOVES.items()]
    return "\n".join([intro, *facts(), "## Moves", "", "| move | what it does |", "|---|---|", *moves, ""])


def facts() -> list[str]:
    """Return the tables of facts, a group of the docstring each."""
    types = {field.name: str(getattr(field.type, "__name__", field.type)) for field in dataclasses.fields(Facts)}
    groups = re.split(r"^(About .+):$", inspect.getdoc(Facts) or "", flags=re.MULTILINE)[1:]
    lines: list[str] = []
    for title, body in zip(groups[::2], groups[1::2], strict=True):
        rows = [(name, " ".join(text.split())) for name, text in FACT.findall(body)]
        lines += [f"{title}:", "", "| fact | | |", "|---|---|---|"]
        lines += [f"| `{name}` | {KINDS[types.pop(name)]} | {text} |" for name, text in rows]
        lines.append("")
    assert not types, f"no word about {types}"
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/scripts.md.")
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        held = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        raise SystemExit(0 if held == page() else "docs/scripts.md is not what the code says. Try: make readme")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
