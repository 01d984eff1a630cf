"""``microgpt doctor``: what of microgpt works here, part by part, and what to do about the rest."""

import json
import os
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt import __version__
from microgpt.cli import program
from microgpt.cli.live import printable

if TYPE_CHECKING:
    from microgpt.doctor import Check

WIDTH = 80


@click.command(epilog="Example:  microgpt doctor --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, for a bug report.")
def doctor(as_json: bool) -> None:
    """Say what is installed, what is missing and what that costs.

    Exits with 1 if microgpt cannot work here. No network is used, and what is printed names neither you nor your
    machine.
    """
    from microgpt.doctor import examine

    checks: list[Check] = []
    for check in examine(environ=os.environ, home=Path(os.path.expanduser("~")), streams=(sys.stdout, sys.stderr)):
        checks.append(check)
        if not as_json:
            click.echo(_to_text(check))
    broken = [check for check in checks if check.is_fatal]
    if as_json:
        head = {"format": "microgpt/doctor/1", "version": __version__, "works": not broken}
        click.echo(json.dumps({**head, "checks": [asdict(check) for check in checks]}, indent=1))
    verdict = "does not work here" if broken else "works here"
    click.echo(f"microgpt {__version__} {verdict}", err=as_json)
    click.echo(f"next: {broken[0].remedy if broken else f'{program()} tutor'}", err=as_json)
    raise SystemExit(1 if broken else 0)


def _to_text(check: "Check") -> str:
    lines = [_row(check.state, check.part, check.found)]
    if check.state != "works":
        lines += [_row("", "  costs", check.cost), _row("", "  try", check.remedy)]
    return "\n".join(lines)


def _row(state: str, name: str, text: str) -> str:
    head = f"{state:9}{name:11}"
    wrapper = textwrap.TextWrapper(WIDTH, head, " " * len(head), break_on_hyphens=False, break_long_words=False)
    return wrapper.fill(printable(text))
