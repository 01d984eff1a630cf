"""Finds out what of microgpt works on this machine; of what does not, what that costs and what to do about it.

Each part is tried, not only looked for: numpy and torch compute, the sandbox runs a job, the disk takes a file. Nothing
is asked of a network, and nothing stays behind. Read `examine` first.
"""

import importlib
import platform
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Literal, TextIO, cast

from microgpt.bench.machine import this_machine
from microgpt.config import ComputeConfig, GPTConfig
from microgpt.content import content_folder
from microgpt.errors import DISTRIBUTION, MissingExtra, SandboxError, install_command
from microgpt.presets import PRESETS
from microgpt.sandbox import Job, Program, bubblewrap, run_jobs, support

BASE = ("microgpt.training.run", "microgpt.play", "microgpt.insights.lint")  # with all that they import
NEEDED = ("base", "numpy", "courses", "data")  # parts without which microgpt is of no use
REINSTALL = f"pip install --force-reinstall {DISTRIBUTION}"
COLUMNS = 80  # what lessons and tables are laid out for
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
COSTS = {
    "torch": "nothing is computed on a graphics card, and the presets char and gpt2 are too slow",
    "plot": "train --plot cannot draw the losses",
    "claude": "Claude cannot be the voice of a lesson; the built-in voice needs nothing",
    "openai": "no other model can be the voice of a lesson; the built-in voice needs nothing",
    "mcp": "no lesson tools over MCP, for agents that want them so",
    "notebooks": "no lessons as notebooks",
    "docs": "the documentation cannot be built; only for work on microgpt itself",
    "dev": "its tests cannot be run; only for work on microgpt itself",
}

State = Literal["works", "limited", "missing", "broken"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """What is to say of one part.

    Args:
        state: "limited": it works, but not as well as it could. "broken": it is there and does not work.
        found: what is there, or what went wrong.
        cost: what cannot be done so; "" if it works.
        remedy: what to type, or to do.
    """

    part: str
    state: State
    found: str
    cost: str = ""
    remedy: str = ""

    @property
    def is_fatal(self) -> bool:
        """Whether microgpt is of no use as long as this is so."""
        return self.state == "broken" and self.part in NEEDED


def examine(*, environ: Mapping[str, str], home: Path, streams: Sequence[TextIO]) -> Iterator[Check]:
    """Try one part after the other; what is said of each names no person and no host.

    Args:
        environ: where the data folder is, and what the terminal shows.
        home: the user's own folder, told as ~.
        streams: where output goes: standard output and error.
    """
    parts: dict[str, Callable[[], Check]] = {
        "Python": check_python,
        "base": check_base,
        "numpy": check_numpy,
        "torch": check_torch,
        **{extra: (lambda extra=extra: check_extra(extra)) for extra in COSTS if extra != "torch"},
        "courses": check_courses,
        "sandbox": check_sandbox,
        "data": lambda: check_data_folder(environ),
        "disk": lambda: check_disk(Path()),
        "terminal": lambda: check_terminal(streams, environ),
    }
    names = {environ.get(key, "") for key in ("USER", "LOGNAME", "SUDO_USER")} | {home.name, platform.node()}
    for part, check in parts.items():
        found = _try(part, check)
        texts = {name: without_names(getattr(found, name), home, names) for name in ("found", "cost", "remedy")}
        yield replace(found, **texts)


def without_names(text: str, home: Path, names: set[str]) -> str:
    """Write a home folder as ~, and a person's or a host's name in any other path as NAME.

    >>> without_names("/home/ada/data, /scratch/ada/data", Path("/home/ada"), {"ada"})
    '~/data, /scratch/NAME/data'
    """
    if home.name:  # else it is the root of all paths
        text = re.sub(rf"{re.escape(str(home))}(?![\w.-])", "~", text)
    for name in filter(None, names):
        text = re.sub(rf"(?<=/){re.escape(name)}(?![\w.-])", "NAME", text)
    return text


def check_python() -> Check:
    """Look at the interpreter, in which the scalar and reference engines compute."""
    machine = this_machine()
    found = f"{machine.python} ({machine.python_build}); {machine.hardware}"
    if machine.python_build != "plain":
        return Check(part="Python", state="works", found=found)
    return Check(
        part="Python",
        state="limited",
        found=found,
        cost="it was not optimised when it was built: the scalar and reference engines are slower",
        remedy="use a Python from your system or from python.org; of your own: ./configure --enable-optimizations",
    )


def check_base() -> Check:
    """Import all that a lesson or a training with the reference imports."""
    for module in BASE:
        importlib.import_module(module)
    return Check(part="base", state="works", found=_versions(""))


def check_numpy() -> Check:
    """Multiply two matrices, and say which library does it."""
    import numpy as np

    built = cast("dict[str, dict[str, dict[str, str]]]", np.show_config(mode="dicts"))
    blas = built["Build Dependencies"]["blas"]
    ones = np.ones((64, 64))
    if not np.array_equal(ones @ ones, 64 * ones):
        raise ArithmeticError("a product of matrices of ones is wrong")
    return Check(part="numpy", state="works", found=f"{np.__version__}, BLAS {blas['name']} {blas.get('version', '')}")


def check_torch(driver: Path = NVIDIA_DRIVER) -> Check:
    """Compute a loss with the torch engine, on the device that it chooses.

    Args:
        driver: a file that exists where an NVIDIA card can be used.
    """
    from microgpt.engines import create_engine
    from microgpt.engines.base import initial_state

    model = GPTConfig(vocab_size=3)
    try:
        engine = create_engine(ComputeConfig(engine="torch"), model, initial_state(model, random.Random(0)))
    except MissingExtra as error:
        cost, remedy = COSTS["torch"], install_command("torch")
        return Check(part="torch", state="missing", found=str(error).partition(" Try")[0], cost=cost, remedy=remedy)
    engine.loss([(2, 0, 1, 2)])
    found = f"{metadata.version('torch')}, computes {engine.described.removeprefix('torch ')}"
    if driver.exists() and " on cpu" in engine.described:
        cost, remedy = "the NVIDIA card here is left idle", "install a torch that is built for its driver's CUDA"
        return Check(part="torch", state="limited", found=found, cost=cost, remedy=remedy)
    return Check(part="torch", state="works", found=found)


def check_extra(extra: str) -> Check:
    """Look for the packages of an extra."""
    absent = [name for name in _packages(extra) if _version(name) is None]
    if not absent:
        return Check(part=extra, state="works", found=_versions(extra))
    found = f"not installed: {', '.join(absent)}"
    return Check(part=extra, state="missing", found=found, cost=COSTS[extra], remedy=install_command(extra))


def check_courses() -> Check:
    """Find the bundled courses and skills."""
    folders = [path for kind in ("curriculum", "skills") for path in content_folder(kind).iterdir() if path.is_dir()]
    return Check(part="courses", state="works", found=", ".join(sorted(folder.name for folder in folders)))


def check_sandbox() -> Check:
    """Run a job in the sandbox that opens a file which every machine has."""
    job = Job(program=Program(files=()), expression="open('/etc/passwd').close()", inputs={})
    cost = "code that is not ours is never run: no exercises in code, and nobody else's course can be locked"
    try:
        [outcome] = run_jobs([job])
    except SandboxError as error:
        state: State = "broken" if bubblewrap.find() else "missing"
        found, _, remedy = str(error).partition(" Try: ")
        return Check(part="sandbox", state=state, found=found, cost=cost, remedy=remedy)
    if outcome.kind != "error":
        found = f"a job in it could open one of the machine's files ({outcome.kind})"
        return Check(part="sandbox", state="broken", found=found, cost=cost, remedy="report this, with --json")
    if support() == "bubblewrap":
        return Check(part="sandbox", state="works", found="bubblewrap: a job ran, and saw no file of this machine")
    found = "Landlock: a job ran, and could open no file of this machine"
    cost, remedy = "code that is not ours can see which files exist here, if not what is in them", "install bubblewrap"
    return Check(part="sandbox", state="limited", found=found, cost=cost, remedy=remedy)


def check_data_folder(environ: Mapping[str, str]) -> Check:
    """Write where the learner's record is, or will be, a file without a name, which is gone at once."""
    from microgpt.learner.database import default_path

    record = default_path(environ)
    try:
        with tempfile.TemporaryFile(dir=next(folder for folder in record.parents if folder.exists())) as file:
            file.write(b"\0" * 4096)
            file.flush()
        if record.exists():
            record.open("r+b").close()  # to read and to write, and nothing is
    except OSError as error:
        found = f"{record} cannot be written ({error.strerror})"
        remedy = "make it writable, or set MICROGPT_DATA_DIR to a folder that is"
        return Check(part="data", state="broken", found=found, cost="no lesson can be recorded", remedy=remedy)
    return Check(part="data", state="works", found=f"{record.parent} can be written")


def check_disk(folder: Path) -> Check:
    """Compare what is free with what the largest preset's checkpoint takes."""
    free = shutil.disk_usage(folder).free
    model = GPTConfig(vocab_size=256, **PRESETS["gpt2"].shape)
    checkpoint = 3 * 4 * model.n_params  # bytes: weights and Adam's two averages, in float32
    found = f"{free / 1e9:,.1f} GB free where you are"
    if free > 2 * checkpoint:
        return Check(part="disk", state="works", found=found)
    cost = f"a run of gpt2 needs {2 * checkpoint / 1e9:.1f} GB: a checkpoint is written beside the one before"
    return Check(part="disk", state="limited", found=found, cost=cost, remedy="train --out on another disk")


def check_terminal(streams: Sequence[TextIO], environ: Mapping[str, str]) -> Check:
    """Look at the window that output goes to."""
    from rich.console import Console

    terminals = [stream for stream in streams if stream.isatty()]
    if not terminals:
        return Check(part="terminal", state="works", found="none: output goes elsewhere, without colours")
    console = Console(file=terminals[0], _environ=environ)
    encoding = terminals[0].encoding.lower()
    colours = "none" if console.no_color else console.color_system or "none"
    found = f"{console.width} x {console.height}, colours: {colours}, {encoding}"
    if not encoding.startswith("utf"):
        cost, remedy = 'curves and some letters are shown as "?"', "export LANG=C.UTF-8"
        return Check(part="terminal", state="limited", found=found, cost=cost, remedy=remedy)
    if console.width < COLUMNS:
        cost, remedy = "tables and code wrap", f"make the window {COLUMNS} columns wide"
        return Check(part="terminal", state="limited", found=found, cost=cost, remedy=remedy)
    return Check(part="terminal", state="works", found=found)


def _try(part: str, check: Callable[[], Check]) -> Check:
    """Return what a check found; whatever goes wrong in it is what there is to say."""
    try:
        return check()
    except Exception as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    if part in NEEDED:
        return Check(part=part, state="broken", found=found, cost="microgpt does not work", remedy=REINSTALL)
    if part in COSTS:
        remedy = f"pip install --force-reinstall '{DISTRIBUTION}[{part}]'"
        return Check(part=part, state="broken", found=found, cost=COSTS[part], remedy=remedy)
    return Check(part=part, state="broken", found=found, cost="it cannot be told", remedy="report this, with --json")


def _packages(extra: str) -> list[str]:
    """Return the packages that an extra brings, or, for "", that the base needs, by the package's own metadata."""
    lines = metadata.requires(DISTRIBUTION) or []
    wanted = [line for line in lines if (f"extra == '{extra}'" in line.replace('"', "'") if extra else ";" not in line)]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted]


def _versions(extra: str) -> str:
    return ", ".join(f"{name} {_version(name)}" for name in _packages(extra))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
