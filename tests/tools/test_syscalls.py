"""The filter of a box refuses the calls that it names, those of other machines, and nothing else."""

from __future__ import annotations

import struct

import pytest

from autoact.tools.syscalls import ALLOW, AT_LEAST, EQUAL, FOREIGN, LOAD, MACHINES, REFUSE, RETURN, denying, lacks


def verdict(filter_: bytes, number: int, machine: int) -> int:
    """What the kernel makes of a call: the filter, run."""
    steps = list(struct.iter_unpack("=HBBI", filter_))
    given = {0: number, 4: machine}
    at = value = 0
    while steps[at][0] != RETURN:
        what, yes, no, operand = steps[at]
        if what == LOAD:
            value = given[operand]
            at += 1
        else:
            met = {EQUAL: value == operand, AT_LEAST: value >= operand}[what]
            at += 1 + (yes if met else no)
    return int(steps[at][3])


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_named_is_refused_and_nothing_else(name: str) -> None:
    machine, calls = MACHINES[name]
    found = {number for number in range(600) if verdict(denying(name), number, machine) == REFUSE}
    assert found == set(calls.values())
    assert verdict(denying(name), 0, machine) == ALLOW


@pytest.mark.parametrize("name", MACHINES)
def test_calls_in_the_manner_of_another_machine_are_refused(name: str) -> None:
    machine, _ = MACHINES[name]
    assert verdict(denying(name), FOREIGN, machine) == REFUSE
    assert verdict(denying(name), 0, machine ^ 1) == REFUSE


def test_a_machine_without_a_filter_is_named() -> None:
    assert lacks("x86_64") == lacks("aarch64") == ""
    assert lacks("riscv64") == "a processor of x86_64 or aarch64"
