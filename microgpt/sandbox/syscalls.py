"""The system calls that code in the sandbox is refused, as a filter that the kernel runs (seccomp).

Namespaces hide files, processes and networks. Three kinds of call would still get past them or past the limits: those
that make new namespaces (in which one is root, and may mount memory without end), those that take what no limit counts,
and those that reach into another process, the caller's keyring or the kernel's log. Sockets are refused as well. Where
there are no namespaces (see `inside.landlock`), every call is refused that would touch what belongs to others.

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
    "io_setup": (206, 0),
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
    "syslog": (103, 116),
    "socket": (41, 198),
}

# What namespaces would make harmless, and Landlock does not know of. ARM lacks some old ones.
_REFUSED_BESIDE_OTHERS = {
    # one half of a pair of sockets can send to any socket that has a name, such as the system's journal
    "socketpair": (53, 199),
    # signals, to whomever: the caller and all the user's processes can be named
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    # leaving the group of processes by which the sandbox is ended
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # what other processes may use, and when they run
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    # a file's rights, owner, times and labels, for which it need not be opened
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    # watching what happens to files
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # memory and messages that processes share by number
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_unlink": (241, 181),
}
_PRLIMIT = (302, 261)  # its first argument: whose limits; 0 are one's own
_FCNTL = (72, 25)
_IOCTL = (16, 29)
_OWNERS = {_FCNTL: (8, 15), _IOCTL: (0x8901, 0x8902)}  # whom a file sends a signal: F_SETOWN(_EX), FIOSETOWN, SIOCSPGRP
_CLONE = (56, 220)
_CLONE3 = 435  # hides its flags in memory, where a filter cannot look; refused, the C library falls back to clone
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW* of clone's flags: mount, cgroup, uts, ipc, user, pid, net

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, and the kernel's AUDIT_ARCH
_X32 = 0x40000000  # on x86-64: calls of another binary interface, with numbers of their own

# Instructions of the kernel's filter machine: operation codes of linux/bpf_common.h.
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # places in the kernel's struct seccomp_data
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


def seccomp_filter(machine: str = "", *, namespaces: bool = True) -> bytes | None:
    """Return the filter as the kernel takes it: instructions of 8 bytes each.

    Args:
        machine: as `platform.machine` names it; this one if empty.
        namespaces: the code has a view of its own of processes, files and all that they share; else more is refused.

    Returns:
        None on a processor whose numbers are not listed here.
    """
    if (machine or platform.machine()) not in _MACHINES:
        return None
    column, architecture = _MACHINES[machine or platform.machine()]
    refusal = _ERRNO | errno.EPERM
    program = [
        _instruction(_LOAD, _ARCHITECTURE),
        *_unless(_JUMP_EQUAL, architecture, _KILL),
        _instruction(_LOAD, _NUMBER),
        *_if(_JUMP_AT_LEAST, _X32, _ERRNO | errno.ENOSYS),
        *_if(_JUMP_EQUAL, _CLONE3, _ERRNO | errno.ENOSYS),
        *_where(_CLONE[column], 0, _if(_JUMP_ANY_BIT, _NEW_NAMESPACES, refusal)),
    ]
    for numbers in (*_REFUSED.values(), *(() if namespaces else _REFUSED_BESIDE_OTHERS.values())):
        number = numbers[column]
        program += [] if number is None else _if(_JUMP_EQUAL, number, refusal)
    if not namespaces:
        program += _where(_PRLIMIT[column], 0, _unless(_JUMP_EQUAL, 0, refusal))
        for call, commands in _OWNERS.items():
            program += _where(call[column], 1, [part for c in commands for part in _if(_JUMP_EQUAL, c, refusal)])
    return b"".join([*program, _instruction(_RETURN, _ALLOW)])


def _instruction(operation: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one instruction; `then` and `otherwise` say how many to skip."""
    return struct.pack("=HBBI", operation, then, otherwise, operand)


def _if(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_instruction(test, operand, otherwise=1), _instruction(_RETURN, verdict)]


def _where(call: int, argument: int, tests: list[bytes]) -> list[bytes]:
    """Return instructions that test an argument of one system call, and leave all other calls to what follows."""
    block = [_instruction(_LOAD, _FIRST_ARGUMENT + 8 * argument), *tests, _instruction(_LOAD, _NUMBER)]
    return [_instruction(_JUMP_EQUAL, call, otherwise=len(block)), *block]


def _unless(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_instruction(test, operand, then=1), _instruction(_RETURN, verdict)]
