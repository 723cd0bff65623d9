"""The calls of the kernel that a box is refused, as the filter that bubblewrap takes (seccomp, in classic BPF).

    [*bwrap, "--seccomp", fd, …]        # the fd of a file that holds denying("x86_64")

Refused are those that make a process or a thread, and those that make memory which no limit of the process counts; so
what a box takes is what its one process may. They fail with EPERM: Python says "Operation not permitted" or "can't
start new thread".
"""

from __future__ import annotations

import struct

# By machine: its number in the kernel (AUDIT_ARCH_…), and the numbers of the calls that are refused.
MACHINES = {
    "x86_64": (
        0xC000003E,
        {
            "clone": 56,
            "fork": 57,
            "vfork": 58,
            "clone3": 435,
            "unshare": 272,
            "io_uring_setup": 425,
            "memfd_create": 319,
            "memfd_secret": 447,
            "shmget": 29,
            "msgget": 68,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "clone": 220,
            "clone3": 435,
            "unshare": 97,
            "io_uring_setup": 425,
            "memfd_create": 279,
            "memfd_secret": 447,
            "shmget": 194,
            "msgget": 186,
        },
    ),
}
NUMBER, MACHINE = 0, 4  # where a call's number and its machine lie in what a filter is given
FOREIGN = 0x40000000  # numbers from here on are those of x32, which has all calls a second time
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001


def lacks(machine: str) -> str:
    """What a filter for such a machine lacks; empty when nothing."""
    return "" if machine in MACHINES else f"a processor of {' or '.join(MACHINES)}"


def denying(machine: str) -> bytes:
    """The filter for a machine, as platform.machine() names it; a call in the manner of another is refused too."""
    known, calls = MACHINES[machine]
    tests = [(AT_LEAST, FOREIGN), *((EQUAL, number) for number in calls.values())]
    steps = [_step(LOAD, MACHINE), _step(EQUAL, known, no=len(tests) + 2), _step(LOAD, NUMBER)]
    steps += [_step(how, number, yes=len(tests) - i) for i, (how, number) in enumerate(tests)]
    return b"".join([*steps, _step(RETURN, ALLOW), _step(RETURN, REFUSE)])


def _step(what: int, number: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; `yes` and `no` are how many are jumped over."""
    return struct.pack("=HBBI", what, yes, no, number)
