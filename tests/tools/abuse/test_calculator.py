"""Hostile expressions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.calculator import calculator_tool

RIGHT = ("6 * 7", "42")
CASES = [
    "9**9**9**9",
    "10**10**8",
    "2**(2**40)",
    "9**9**9",
    "(9**9)**(9**6)",
    "9" * 400 + "**99",
    "1e308 * 1e308",
    "float('nan')",
    "9**9**9 < 1",
    "round(1/3, 10**9)",
    "1 if 9**9**9 else 2",
    "int.from_bytes(b'a' * 10**10)",
    "'9' * 10**8 * 1",
    "'%d' % 9**9**9",
    "str(9**99999)",
    "'a'*10**10",
    "[0]*10**9",
    "sum(range(10**12))",
    "max(i for i in range(10**10))",
    "(lambda f: f(f))(lambda f: f(f))",
    "(" * 490,
    "-" * 499 + "1",
    "int('9'*5000)",
    "f'{1:>1000000000}'",
    "[" + "a:=[1]" + ",a:=[a,a]" * 40 + "]",
    "open('SECRET_FILE').read()",
    "__import__('os').system('cat SECRET_FILE')",
    "().__class__.__base__.__subclasses__()",
    "exec('while True: pass')",
    "1)\nimport os\n(1",
    "1_" * 249,
    "1,000" * 90,
    "15% of " * 70,
]


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    return calculator_tool()


def test_a_hostile_expression_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
