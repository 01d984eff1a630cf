"""Where the settings of ``microgpt train`` come from: the defaults, below a preset, below a file, below the options.

Click knows three of these levels, the default, its `default_map` and the command line; a preset and a file share the
map. As a benefit, ``microgpt train --preset char --help`` shows that preset's numbers.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import click

from microgpt.config import CHOICES
from microgpt.errors import ConfigError
from microgpt.presets import PRESETS

NOT_IN_A_FILE = ("config", "resume", "as_json", "plain")  # the file itself, and what changes from call to call

CHOSEN = {**CHOICES, "preset": tuple(PRESETS)}
KINDS: Mapping[
    str, tuple[tuple[type, ...], str]
] = {  # by click's names; click itself would cut 2.5 and take true for 1
    "integer": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
}


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings."""

    groups: ClassVar[Mapping[str, tuple[str, ...]]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = {option.name: option for option in self.get_params(ctx)}
        for heading, names in self.groups.items():
            records = [options[name].get_help_record(ctx) for name in names]
            with formatter.section(heading):
                formatter.write_dl([record for record in records if record])


def apply_preset(ctx: click.Context, param: click.Parameter, name: str) -> None:
    """Take a preset's settings where nothing else says otherwise."""
    ctx.default_map = {**PRESETS[name].settings(), **(ctx.default_map or {})}


def apply_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    """Take a file's settings, which may name a preset, where the command line does not say otherwise."""
    if path:
        options = {option.name or "": option for option in ctx.command.params if option.name not in NOT_IN_A_FILE}
        ctx.default_map = {**(ctx.default_map or {}), **read_settings(path, options)}


def read_settings(path: Path, options: Mapping[str, click.Parameter]) -> dict[str, object]:
    """Read a TOML file with an option a line, such as ``n-embd = 32``; underscores may stand for hyphens.

    Args:
        options: by name, what may stand in it.

    Raises:
        ConfigError: if it cannot be read, or has a key that is no option or a value that is none for it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). Try a file that is there.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text ({error.reason}). Try saving it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}. Try lines such as: steps = 2000") from None
    for key, value in values.items():
        _check(f"{path}, line {_line(text, key)}", key, value, options)
    return {_name(key): value for key, value in values.items()}


def _check(place: str, key: str, value: object, options: Mapping[str, click.Parameter]) -> None:
    if isinstance(value, dict):
        raise ConfigError(f"{place}: there are no sections such as [{key}]. Try the settings alone, one a line.")
    name = _name(key)
    if name not in options:
        near = difflib.get_close_matches(name, options, n=1)
        remedy = near[0].replace("_", "-") if near else "one that microgpt train --help shows"
        raise ConfigError(f"{place}: there is no setting {key}. Try {remedy}.")
    types, wanted = KINDS.get(options[name].type.name, ((str,), "a text in quotes"))
    if name in CHOSEN:
        wanted = "one of " + ", ".join(f'"{choice}"' for choice in CHOSEN[name])
    if type(value) not in types or (name in CHOSEN and value not in CHOSEN[name]):
        given = f'"{value}"' if isinstance(value, str) else str(value).lower()  # TOML's true, not Python's True
        raise ConfigError(f"{place}: {key} = {given} cannot be. Try {wanted}.")


def _line(text: str, key: str) -> int:
    """Return the line on which a key stands, counted from 1; the first if it is written in a way that hides it."""
    found = re.search(rf"""^\s*\[?\s*["']?{re.escape(key)}\b""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _name(key: str) -> str:
    return key.replace("-", "_")
