"""The system calls that a systemd unit allows, as a filter of this process and its children.

Stricter than systemd's own: where the unit would answer EPERM the process is killed (SIGSYS), so that a run that ends
well has asked for nothing that is not allowed. Wants libseccomp, which systemd brings with it.
"""

import ctypes
import errno
import socket
import subprocess
import sys
from functools import cache

KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
EQUAL, MASKED_EQUAL = 4, 7
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
UNKNOWN_CALL = -1
FAMILIES = 64


def denied(code: int) -> int:
    return 0x00050000 | code


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def allowed_calls(lines: list[str]) -> set[str]:
    """What the SystemCallFilter= lines of a unit allow together; the first one is a list of what is allowed."""
    allowed = calls("@default")
    for line in lines:
        names = {call for word in line.removeprefix("~").split() for call in calls(word)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


@cache
def calls(name: str) -> frozenset[str]:
    """A call, or those of a group and the groups in it."""
    if not name.startswith("@"):
        return frozenset([name])
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    lines = map(str.strip, told.stdout.splitlines()[1:])
    words = [line for line in lines if line and not line.startswith("#")]
    return frozenset(call for word in words for call in calls(word))


def install(filters: dict) -> None:
    """`calls`, `families` of sockets, and whether `memory` may be written and executed are what is looked at."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))

    def rule(action: int, name: str, *comparisons: Comparison) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Many are of other processors.
        if number <= UNKNOWN_CALL:
            return
        array = (Comparison * len(comparisons))(*comparisons)
        code = library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), array)
        if code:
            raise OSError(-code, f"seccomp: {name}")

    compared = {"socket"} | ({"mmap", "mprotect", "pkey_mprotect", "shmat"} if filters["memory"] else set())
    for name in sorted(set(filters["calls"]) - compared):
        rule(ALLOW, name)
    families = {int(getattr(socket, name)) for name in filters["families"]}
    for family in range(FAMILIES):
        rule(ALLOW if family in families else denied(errno.EAFNOSUPPORT), "socket", Comparison(0, EQUAL, family))
    if filters["memory"]:
        both = PROT_WRITE | PROT_EXEC
        for some in (0, PROT_WRITE, PROT_EXEC):
            rule(ALLOW, "mmap", Comparison(2, MASKED_EQUAL, both, some))
        for name, bit in (("mprotect", PROT_EXEC), ("pkey_mprotect", PROT_EXEC), ("shmat", SHM_EXEC)):
            rule(ALLOW, name, Comparison(2, MASKED_EQUAL, bit, 0))
    if code := library.seccomp_load(context):
        raise OSError(-code, "seccomp_load")


if __name__ == "__main__":
    print("\n".join(sorted(allowed_calls(sys.argv[1:]))))
