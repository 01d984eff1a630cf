"""The system calls that code in the sandbox is refused, as a filter that the kernel runs (seccomp).

Namespaces hide files, processes and networks. Three kinds of call would still get past them or past the limits: those
that make new namespaces (in which one is root, and may mount memory without end), those that take memory that no limit
counts, and those that reach into another process or the caller's keyring. Sockets are refused as well.

Read beside it: the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

import errno
import platform
import struct

# System call: its number on x86-64, and on 64-bit ARM (the kernel's asm/unistd_64.h and asm-generic/unistd.h).
_REFUSED = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mq_open": (240, 180),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "socket": (41, 198),
}
_CLONE = (56, 220)
_CLONE3 = 435  # hides its flags in memory, where a filter cannot look; refused, the C library falls back to clone
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW* of clone's flags: mount, cgroup, uts, ipc, user, pid, net

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, and the kernel's AUDIT_ARCH
_X32 = 0x40000000  # on x86-64: calls of another binary interface, with numbers of their own

# Instructions of the kernel's filter machine: operation codes of linux/bpf_common.h.
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # places in the kernel's struct seccomp_data
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


def seccomp_filter(machine: str = "") -> bytes | None:
    """Return the filter as the kernel takes it: instructions of 8 bytes each.

    Args:
        machine: as `platform.machine` names it; this one if empty.

    Returns:
        None on a processor whose numbers are not listed here.
    """
    if (machine or platform.machine()) not in _MACHINES:
        return None
    column, architecture = _MACHINES[machine or platform.machine()]
    program = [
        _instruction(_LOAD, _ARCHITECTURE),
        *_unless(_JUMP_EQUAL, architecture, _KILL),
        _instruction(_LOAD, _NUMBER),
        *_if(_JUMP_AT_LEAST, _X32, _ERRNO | errno.ENOSYS),
        *_if(_JUMP_EQUAL, _CLONE3, _ERRNO | errno.ENOSYS),
    ]
    for numbers in _REFUSED.values():
        program += _if(_JUMP_EQUAL, numbers[column], _ERRNO | errno.EPERM)
    program += [
        _instruction(_JUMP_EQUAL, _CLONE[column], then=1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        *_if(_JUMP_ANY_BIT, _NEW_NAMESPACES, _ERRNO | errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _instruction(operation: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one instruction; `then` and `otherwise` say how many to skip."""
    return struct.pack("=HBBI", operation, then, otherwise, operand)


def _if(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_instruction(test, operand, otherwise=1), _instruction(_RETURN, verdict)]


def _unless(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_instruction(test, operand, then=1), _instruction(_RETURN, verdict)]
