"""From what a learner chose on the command line to a wire, and to the one line that says what leaves the machine.

A key comes from the environment and goes to the server that was chosen, nowhere else: it is in no file and no log.
"""

import ipaddress
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from microgpt.errors import ConfigError, StoreError
from microgpt.tutor.voices import claude, compatible
from microgpt.tutor.voices.cost import CLAUDE, PRICES, Meter
from microgpt.tutor.voices.model import Wire
from microgpt.tutor.voices.trouble import Trouble

VoiceName = Literal["offline", "claude", "compatible"]

MOST = 0.5  # dollars a sitting, where the learner names no other cap and the price is known
NO_KEY = "none"  # what a local server gets where the environment holds no key


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which voice a learner asked for.

    Args:
        model: empty for the one that we know to do well.
        base_url: of a gateway or a local server; empty for the maker's own.
        max_cost: dollars that a sitting may cost at most.
    """

    voice: VoiceName = "offline"
    model: str = ""
    base_url: str = ""
    max_cost: float | None = None

    def as_typed(self) -> str:
        """Return the choice as options of a command line.

        >>> Choice(voice="claude", max_cost=0.25).as_typed()
        ' --voice claude --max-cost 0.25'
        """
        options = {
            "--voice": self.voice if self != Choice() else "",
            "--model": self.model,
            "--base-url": self.base_url,
        }
        options["--max-cost"] = "" if self.max_cost is None else f"{self.max_cost:g}"
        return "".join(f" {option} {shlex.quote(value)}" for option, value in options.items() if value)


def connect(choice: Choice, environ: Mapping[str, str]) -> Wire | None:
    """Return the wire to the model that was chosen; None for the built-in voice.

    Raises:
        ConfigError: the options do not go together, or the address is none that a key should be sent to.
        MissingExtra: the SDK of that voice is not installed.
        Trouble: a key is needed, and none is in the environment.
    """
    if choice.voice == "offline":
        if choice != Choice():
            raise ConfigError("--model, --base-url and --max-cost are for a model. Try: add --voice claude")
        return None
    model = choice.model or (CLAUDE if choice.voice == "claude" else "")
    if not model:
        raise ConfigError("the compatible voice knows no model of its own. Try: add --model and its name")
    most = choice.max_cost if choice.max_cost is not None else MOST if model in PRICES else None
    meter = Meter(model, most)
    protocol = claude if choice.voice == "claude" else compatible
    address, key = _address(protocol.ADDRESS, choice, environ), _key(protocol.KEY, environ)
    if not key and not address:
        raise Trouble(f"the {choice.voice} voice needs a key in {protocol.KEY}, and there is none", lasting=True)
    if key and _is_readable_on_the_way(address):
        raise ConfigError(
            f"over http:// anybody on the way to {urlsplit(address).hostname} could read the key in {protocol.KEY}. "
            f"Try: https://, or {protocol.KEY}= before the command, for a server that needs no key"
        )
    make = claude.Claude if choice.voice == "claude" else compatible.Compatible
    return make(key=key or NO_KEY, base_url=address, meter=meter)


def _address(name: str, choice: Choice, environ: Mapping[str, str]) -> str:
    """Return the server's address from the option, or from the variable that its SDK knows; empty for the maker's."""
    source = "--base-url" if choice.base_url else name
    address = choice.base_url or environ.get(name, "").strip()
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, or half a bracket
        raise ConfigError(f"{source} is no web address. Try: http://127.0.0.1:8080") from None
    if parts.username is not None or parts.query or parts.fragment:  # not shown: it may hold a secret
        raise ConfigError(f"{source} holds more than an address. Try: without what stands before @ or after ? and #")
    if address and not (sound and address.isprintable() and " " not in address):
        raise ConfigError(f"{source} {address!r} is no web address. Try: http://127.0.0.1:8080")
    return address


def _key(name: str, environ: Mapping[str, str]) -> str:
    """Return the key that the environment holds, or nothing."""
    key = environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise Trouble(f"what {name} holds is no key: it has characters that no key has", lasting=True)
    return key


def _is_readable_on_the_way(address: str) -> bool:
    """Whether what is sent there leaves this machine unencrypted."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not _is_here(parts.hostname or "")


def disclosure(wire: Wire) -> str:
    """Return what leaves the machine with a voice; empty where nothing does."""
    if _is_here(wire.host):
        return ""
    return (
        f"With this voice, {wire.host} gets what you type in the lesson, what you said of yourself (name, language, "
        "background, interests), how far you are, and the lesson's own words. The rest of your record and your other "
        "files stay here."
    )


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Told:
    """Remembers which learner was told what leaves the machine, and to where: a line each, in a file.

    Args:
        path: of the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, learner: str, host: str) -> bool:
        try:
            told = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # not there, or not to be read: telling twice does no harm
            return False
        return f"{learner} {host}" in told.splitlines()

    def add(self, learner: str, host: str) -> None:
        """Note that a learner was told.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                self._path.chmod(0o600)
                file.write(f"{learner} {host}\n")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}. Try: make it writable") from error
