"""Names the machine and the software that numbers were measured with; without that they mean nothing."""

import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from microgpt.errors import DISTRIBUTION

PACKAGES = (DISTRIBUTION, "numpy", "torch")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What speeds depend on.

    Args:
        cpu: its model.
        cores: logical ones.
        system: the operating system and the processor's instruction set.
        python: the interpreter and its version.
        python_build: "PGO" or "PGO, LTO" where the compiler was led by a profile, which makes Python a tenth to a third
            faster; "plain" else.
        packages: versions, by name, of those installed.
    """

    cpu: str
    cores: int
    system: str
    python: str
    python_build: str
    packages: Mapping[str, str]

    @property
    def hardware(self) -> str:
        return f"{self.cpu}, {self.cores} core{'s' * (self.cores != 1)}, {self.system}"

    @property
    def software(self) -> str:
        versions = "".join(f", {name} {version}" for name, version in self.packages.items())
        return f"{self.python} ({self.python_build}){versions}"


def this_machine() -> Machine:
    """Return the machine that this runs on."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        python_build=_python_build(sysconfig.get_config_var("CONFIG_ARGS") or ""),
        packages={name: version for name in PACKAGES if (version := _version(name))},
    )


def _cpu() -> str:
    if sys.platform == "darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return asked.stdout.strip() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _python_build(options: str) -> str:
    """Read the options that Python's own build was configured with.

    >>> _python_build("'--enable-optimizations' '--with-lto=full'"), _python_build("'--enable-shared'")
    ('PGO, LTO', 'plain')
    """
    marks = {"--enable-optimizations": "PGO", "--with-lto": "LTO"}
    return ", ".join(mark for option, mark in marks.items() if option in options) or "plain"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
