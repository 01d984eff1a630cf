"""``microgpt bench``: how fast the engines are here, as a table, and what a command of your own does beside them."""

import json
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import click

from microgpt.cli import INTERRUPTED, app, program
from microgpt.config import ENGINES

EPILOG = """\b
Examples:
  microgpt bench
  microgpt bench numpy --batch 1 --batch 64
  microgpt bench reference numpy --check
  microgpt bench --against 'python3 fast.py {data} {steps}'
"""


@click.command(epilog=EPILOG)
@click.argument("engines", metavar="[ENGINE]...", nargs=-1, type=click.Choice(ENGINES))
@click.option("--seconds", type=click.FloatRange(0.05), default=1.0, show_default=True, help="Of work for each row.")
@click.option("--batch", "batches", type=click.IntRange(1), multiple=True, help="Documents a step. [default: 1, best]")
@click.option("--against", metavar="COMMAND", default="", help="Another program on the same work, see above.")
@click.option("--check", is_flag=True, help="Also say which budgets are met; exits with 0 all the same.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def bench(
    engines: tuple[str, ...], seconds: float, batches: tuple[int, ...], against: str, check: bool, as_json: bool
) -> None:
    """Measure how fast each engine trains the reference's model on names, beside microgpt.py.

    Each row is measured in a process of its own, with one thread: CPU seconds, the fastest of five rounds, the memory
    at its peak, and the CPU seconds from a fresh start to the first step. Ctrl-C keeps what has been measured.

    COMMAND is told by {data} a file with a name a line, and by {steps} how many steps to make, a name each; only what
    more steps take is counted.
    """
    from datetime import UTC, datetime

    from microgpt.bench.benchmark import Benchmark, Item, Plan, run
    from microgpt.bench.machine import this_machine
    from microgpt.bench.report import to_text

    commands = app.list_commands(click.Context(app)) if check else ()
    plan = Plan(engines=engines, batches=batches, seconds=seconds, against=against, check=commands)
    items, complete = list[Item](), False
    with _progress() as report, suppress(KeyboardInterrupt):
        for item in run(plan, report):
            items.append(item)
        complete = True
    done = Benchmark(machine=this_machine(), day=datetime.now(UTC).date(), complete=complete, items=items)
    click.echo(json.dumps(done.to_json(), ensure_ascii=False) if as_json else to_text(done))
    command = "train --engine numpy" if check else "bench --check"
    click.echo(f"next: {program()} {command}", err=as_json)
    if not complete:
        raise SystemExit(INTERRUPTED)


@contextmanager
def _progress() -> Generator[Callable[[str], None]]:
    """Give a function that says on standard error what is measured now, on one line that is gone at the end.

    Where that is no terminal, it says nothing.
    """

    def report(now: str) -> None:
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1  # a full line would wrap, and then not be written over
            click.echo("\r" + now[:width].ljust(width) + "\r", nl=False, err=True)

    try:
        yield report
    finally:
        report("")
