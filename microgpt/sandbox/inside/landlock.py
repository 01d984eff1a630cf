"""The walls where bubblewrap is missing: a process of its own accord gives up files, network and signals, for ever.

Landlock (https://docs.kernel.org/userspace-api/landlock.html) takes the right to open files and to connect. It leaves a
process where it is, among all others and with sight of all names, so that the filter of system calls has to refuse more
than behind bubblewrap: see `microgpt.sandbox.syscalls`. The calls have no wrapper in the standard library.
"""

import os
import signal
import struct
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every machine
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_SET_DEATH_SIGNAL, _SET_SECCOMP, _ADOPT_ORPHANS, _SET_NO_NEW_PRIVS = 1, 22, 36, 38  # of prctl
_FILTER_MODE = 2

# Rights that a kernel knows how to take, by the version of its interface: 13 on files at first, then each one more.
_FILE_RIGHTS = {3: 15, 4: 15, 5: 16}
_NETWORK_RIGHTS = 0b11  # from version 4: bind and connect TCP
_SCOPES = 0b11  # from version 6: abstract sockets, and signals to whoever is outside


def version() -> int:
    """Return which version of Landlock the kernel has; 0 for none."""
    try:
        return _call("syscall", _CREATE_RULESET, None, 0, 1)
    except OSError:
        return 0


def enter(readable: Sequence[str], instructions: bytes) -> None:
    """Give up everything but to read some folders, and every system call that a filter refuses.

    Args:
        readable: folders whose files may be opened, and listed; those that do not exist do not matter.
        instructions: a filter of `microgpt.sandbox.syscalls`.

    Raises:
        OSError: the kernel refused.
    """
    import ctypes

    known = version()
    rights = (1 << _FILE_RIGHTS[min(known, 5)]) - 1
    fields = [rights, *([_NETWORK_RIGHTS] if known >= 4 else []), *([_SCOPES] if known >= 6 else [])]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _call("syscall", _CREATE_RULESET, attributes, len(attributes), 0)
    for folder in filter(os.path.isdir, readable):
        fd = os.open(folder, os.O_PATH)
        _call("syscall", _ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", _READ_FILE | _READ_DIR, fd), 0)
        os.close(fd)
    _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("syscall", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(buffer))  # the kernel's struct sock_fprog
    _call("prctl", _SET_SECCOMP, _FILTER_MODE, program, 0, 0)


def die_with_parent(parent: int) -> None:
    """Let the kernel end this process when the one that started it ends. A fork of it has to ask for itself.

    Args:
        parent: who started it; if that has ended already, this process ends now.
    """
    _call("prctl", _SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends, so that it can be waited for."""
    _call("prctl", _ADOPT_ORPHANS, 1, 0, 0, 0)


def _call(function: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library, and return what it returned.

    Raises:
        OSError: it returned an error.
    """
    import ctypes  # here, because it takes longer to load than the rest of the sandbox, which does not always need it

    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result: int = getattr(ctypes.CDLL(None, use_errno=True), function)(*words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
