"""Write docs/benchmarks.md, the speeds that were measured, from docs/benchmarks.json.

python tools/benchmarks.py                  write it
python tools/benchmarks.py --check          exit 1 where it is not what the data gives
microgpt bench --check --json | python tools/benchmarks.py --add -
                                            first put a machine's numbers in place of its older ones
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from microgpt.bench.report import figure
from microgpt.bench.yardstick import MICROGPT_PY

DOCS = Path(__file__).parent.parent / "docs"
FORMAT = "microgpt/benchmarks/1"
Entry = Mapping[str, Any]  # what `microgpt bench --json` prints

TEXT = f"""\
<!-- Written by tools/benchmarks.py from benchmarks.json: change neither by hand. -->

# Benchmarks

How fast each engine trains the model of the 200 lines on the bundled names, on the machines that it was measured on.
On yours: `microgpt bench`.

- A row is a process of its own with one thread. Of five rounds the fastest counts, in CPU seconds (on a GPU, in seconds
  of the clock).
- The first row of an engine is batch 1, the same work as microgpt.py; a second is its best batch, if that is larger.
- **ratio** is to the documents a second of microgpt.py. That is not run here: a yardstick, a plain autograd on single
  numbers, takes turns with the engines, and {MICROGPT_PY} of its steps are taken to last as long as one of microgpt.py.
  Measured side by side, they were 2.0 to 2.6, so a ratio is good to a fifth. Beside busy programs they were fewer, down
  to 1.4: the yardstick suffers more than microgpt.py, and ratios look better than they are.
- **memory** is the most that the process held, Python and libraries included; **start** is the CPU seconds from a fresh
  process to the first step, mostly imports.

Numbers swing: on a machine that is shared with others, the same row measured twice may differ by a fifth. The yardstick
swings the most, as it goes through more memory than a processor keeps near. A Python that was compiled with a profile
(PGO) is faster than a plain one. So compare rows of one run; a tenth between two runs means nothing.
"""


def page(entries: Sequence[Entry]) -> str:
    """Return the page in Markdown."""
    return "\n".join([TEXT, *(section(entry) for entry in entries)])


def section(entry: Entry) -> str:
    """Return what the page says of one machine."""
    machine = entry["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"## {machine['cpu']}, {machine['cores']} cores, {machine['python']}",
        "",
        f"{entry['date']}; {machine['system']}; {machine['python']} ({machine['python_build']} build); {versions}; "
        f"threads: {entry['threads']}.",
        "",
        "| | batch | steps/s | docs/s | tokens/s | ratio | memory | start |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(at) for at in entry["measurements"]),
    ]
    if entry["budgets"]:
        lines += ["", "| budget | limit | measured | |", "|---|---:|---:|---|", *map(_budget, entry["budgets"])]
    return "\n".join(lines) + "\n"


def _row(at: Entry) -> str:
    speeds = (at["steps_per_s"], at["documents_per_s"], at["tokens_per_s"], at["times_microgpt_py"])
    start = "" if at["start_s"] is None else f"{at['start_s']:.2f} s"
    cells = [at["described"], str(at["batch"]), *map(figure, speeds), f"{at['peak_bytes'] / 1e6:,.0f} MB", start]
    return f"| {' | '.join(cells)} |"


def _budget(budget: Entry) -> str:
    sign, unit = "at least" if budget["at_least"] else "at most", budget["unit"]
    limit, measured = f"{sign} {figure(budget['limit'])} {unit}", f"{figure(budget['measured'])} {unit}"
    return f"| {budget['what']} | {limit} | {measured} | {'met' if budget['met'] else '**missed**'} |"


def add(entries: Sequence[Entry], new: Entry) -> list[Entry]:
    """Return the entries with a new one in place of that of the same machine and Python, or at the end."""

    def key(entry: Entry) -> tuple[str, ...]:
        return tuple(str(entry["machine"][name]) for name in ("cpu", "cores", "system", "python", "python_build"))

    if key(new) in map(key, entries):
        return [new if key(entry) == key(new) else entry for entry in entries]
    return [*entries, new]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is stale")
    parser.add_argument("--add", metavar="FILE", help="what `microgpt bench --json` printed; - for standard input")
    arguments = parser.parse_args()
    data, written = DOCS / "benchmarks.json", DOCS / "benchmarks.md"
    entries: list[Entry] = json.loads(data.read_text(encoding="utf-8"))["machines"] if data.exists() else []
    if arguments.add:
        printed = sys.stdin.read() if arguments.add == "-" else Path(arguments.add).read_text(encoding="utf-8")
        new: Entry = json.loads(printed)
        if not new["complete"]:
            sys.exit("this benchmark was interrupted. Try: microgpt bench --check --json")
        entries = add(entries, new)
        text = json.dumps({"format": FORMAT, "machines": entries}, indent=1, ensure_ascii=False)
        data.write_text(text + "\n", encoding="utf-8")
    if not arguments.check:
        written.write_text(page(entries), encoding="utf-8")
    elif written.read_text(encoding="utf-8") != page(entries):
        sys.exit("docs/benchmarks.md is not what docs/benchmarks.json gives. Try: python tools/benchmarks.py")


if __name__ == "__main__":
    main()
