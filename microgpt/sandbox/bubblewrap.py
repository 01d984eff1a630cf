"""The walls, where bubblewrap is installed: a process that sees an interpreter, and else nothing.

bubblewrap (https://github.com/containers/bubblewrap) makes kernel namespaces without needing root: own files, own
processes, own network. Nothing inside is writable, there is no /proc, no /dev, no /tmp and no home.
"""

import os
import shutil
import sys
from pathlib import Path

_HOME = Path("/python")  # where the interpreter stands inside, so that its path tells nothing about its owner
_LIBRARIES = sorted({"lib", sys.platlibdir})  # folders of the interpreter's
_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


def find() -> str | None:
    """Return the path of bubblewrap, or None."""
    return shutil.which("bwrap")


def libraries() -> list[str]:
    """Return the folders that an interpreter needs, where they stand on this machine."""
    return [*_SYSTEM_LIBRARIES, *(str(Path(sys.base_prefix) / name) for name in _LIBRARIES)]


def unprivileged_uid(sandbox: int) -> int | None:
    """Return whom code inside must become: somebody else if we are root, whom the limit on processes does not bind.

    The kernel counts processes by user. Two sandboxes that run at a time need one each, or a fork bomb in one would
    leave none to the other. Users come from the range that systemd gives to services and no person has: 61184 to 65519.

    Args:
        sandbox: the number of its first process, as its caller sees it.
    """
    return 61184 + sandbox % 4336 if os.geteuid() == 0 else None


def command(bwrap: str, script: str, filter_fd: int) -> list[str]:
    """Return the command that runs a Python script inside.

    Args:
        bwrap: path of bubblewrap. Start it with an empty environment: `--clearenv` would leave the caller's in its own.
        script: Python source; becomes process number 1, which nobody inside can kill.
        filter_fd: an open file with the seccomp filter.
    """
    return [bwrap, *_namespaces(), *_files(), "--seccomp", str(filter_fd), *_python(script)]


def _namespaces() -> list[str]:
    isolation = ["--new-session", "--die-with-parent", "--as-pid-1"]
    if os.geteuid() != 0:
        return ["--unshare-all", *isolation]
    # A user namespace maps one user only, and root needs two: itself for the supervisor, another for the rest.
    kinds = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    rights = [part for name in ("SETUID", "SETGID", "KILL") for part in ("--cap-add", f"CAP_{name}")]
    return [*kinds, *isolation, *rights]


def _files() -> list[str]:
    arguments: list[str] = []
    for folder in ("/usr", str(_HOME), str(_HOME / "bin")):  # else the caller's umask decides who may look into them
        arguments += ["--perms", "0755", "--dir", folder]
    for folder in map(Path, _SYSTEM_LIBRARIES):
        if folder.is_symlink():
            arguments += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    for name in _LIBRARIES:
        arguments += ["--ro-bind", str(Path(sys.base_prefix) / name), str(_HOME / name)]
    arguments += ["--ro-bind", os.path.realpath(sys.executable), str(_HOME / "bin/python")]
    return [*arguments, "--remount-ro", "/", "--chdir", "/"]


def _python(script: str) -> list[str]:
    environment = {
        "PYTHONHOME": str(_HOME),
        "LD_LIBRARY_PATH": ":".join(str(_HOME / name) for name in _LIBRARIES),
        "PYTHONHASHSEED": "0",  # the same order of a set's members each time, and so the same answers
    }
    variables = [part for name, value in environment.items() for part in ("--setenv", name, value)]
    return [*variables, "--", str(_HOME / "bin/python"), "-sPS", "-c", script]
