"""Seccomp: which calls a process of Linux may make to the system (``seccomp(2)``).

Calls that open connections, start programs or processes, or look at other processes fail as if the
user might not make them. ``clone3`` fails as if there were none, so that threads are made by
``clone``, whose flags a filter can see.
"""

import ctypes
import errno
import platform
import sys
from typing import Final

_SET_MODE_FILTER, _TSYNC = 1, 1
_NO_NEW_PRIVILEGES: Final = 38
_CLONE_THREAD: Final = 0x00010000

_SYSCALLS: Final[dict[str, dict[str, int]]] = {
    "x86_64": {
        "seccomp": 317, "clone": 56, "clone3": 435,
        "socket": 41, "socketpair": 53, "connect": 42, "accept": 43, "accept4": 288, "bind": 49,
        "listen": 50, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62,
        "tkill": 200, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "io_uring_setup": 425,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248,
        "request_key": 249, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
        "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240,
    },
    "aarch64": {
        "seccomp": 277, "clone": 220, "clone3": 435,
        "socket": 198, "socketpair": 199, "connect": 203, "accept": 202, "accept4": 242,
        "bind": 200, "listen": 201, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_open": 434,
        "pidfd_getfd": 438, "pidfd_send_signal": 424, "io_uring_setup": 425, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217,
        "request_key": 218, "mount": 40, "umount2": 39, "unshare": 97, "setns": 268,
        "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180,
    },
}  # fmt: skip
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH, of ``linux/audit.h``."""
_X32_BIT: Final = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _FLAGS_AT = 0, 4, 16


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def is_known() -> bool:
    """Whether there is a filter for this system and its processor."""
    return sys.platform == "linux" and platform.machine() in _SYSCALLS


def restrict() -> bool:
    """Have such calls of this process fail from now on; False where that cannot be had."""
    if not is_known():
        return False
    machine = platform.machine()
    program = _program(machine)
    instructions = (_Instruction * len(program))(*program)
    filter_ = _Program(len(program), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    number = _SYSCALLS[machine]["seccomp"]
    return bool(libc.syscall(number, _SET_MODE_FILTER, _TSYNC, ctypes.byref(filter_)) == 0)


def _program(machine: str) -> list[_Instruction]:
    numbers = dict(_SYSCALLS[machine])
    clone, clone3 = numbers.pop("clone"), numbers.pop("clone3")
    del numbers["seccomp"]
    refused = _FAIL | errno.EPERM
    made = [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE_AT),
        _Instruction(_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, _NUMBER_AT),
        _Instruction(_AT_LEAST, 0, 1, _X32_BIT),
        _Instruction(_RETURN, 0, 0, refused),
        _Instruction(_EQUAL, 0, 1, clone3),
        _Instruction(_RETURN, 0, 0, _FAIL | errno.ENOSYS),
    ]
    for number in numbers.values():
        made += [_Instruction(_EQUAL, 0, 1, number), _Instruction(_RETURN, 0, 0, refused)]
    return [
        *made,
        _Instruction(_EQUAL, 0, 3, clone),
        _Instruction(_LOAD, 0, 0, _FLAGS_AT),
        _Instruction(_ANY_BIT, 1, 0, _CLONE_THREAD),
        _Instruction(_RETURN, 0, 0, refused),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]
