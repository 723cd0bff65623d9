"""Code runs in a box: what it prints and the value of its last line come out, and nothing else happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.tools.code import LACKS, MODULES, Settings, code_tool, live, missing, showing_last_value

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    return code_tool(Settings(), Path())


@pytest.fixture(scope="module")
def run(tool: BaseTool) -> Run:
    return lambda code: str(tool.invoke({"code": code}))


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1 + 1", "2"),
        ("x = 3; x * 2  # six", "6"),
        ("(1 +\n 2)", "3"),
        ("print('a')\n[1, 'b']", "a\n[1, 'b']"),
        ("é = 'ü'; é", "'ü'"),
        ("_ = 5\n_", "5"),
        ("def f(n):\n    return n * 2\nf(4)", "8"),
        ("for i in range(3):\n    print(i)", "0\n1\n2"),
        ("print(1)", "1"),
        ("print(1);", "1"),
        ("a = 1\rb = 2\ra + b", "3"),
        ("x = 2; (x +\n 1) ; # three\n# done", "3"),
        ("```python\nimport math\nmath.floor(2.5)\n```", "2"),
        ("import json\njson.dumps({'a': [1]})", "'{\"a\": [1]}'"),
        ("class P:\n    def __init__(self, x):\n        self.x = x\nP(7).x", "7"),
        ("import asyncio\nasync def f():\n    return 3\nawait f()", "3"),
        ("a = []\na.append(a)\na", "[[...]]"),
        ("import time\ntime.sleep(60)\n'slept'", "'slept'"),
    ],
)
def test_what_is_printed_and_the_last_value_are_shown(run: Run, code: str, shown: str) -> None:
    assert run(code) == shown


@pytest.mark.parametrize("code", ["", "x = 1", "None", "# nothing", "if False:\n    1"])
def test_code_that_shows_nothing_says_so(run: Run, code: str) -> None:
    assert run(code) == "The code printed nothing and its last line has no value."


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('so far')\n1 / 0", "so far\n\nline 2: ZeroDivisionError: division by zero"),
        ("def f():\n    return x\nf()", "line 2: NameError: name 'x' is not defined"),
        ("1 +", "Expected an expression"),
        ("raise ValueError('a\\nb')", "line 1: ValueError: a b"),
        ("\ud800", "Got unexpected token ?"),
    ],
)
def test_an_error_says_what_and_where(run: Run, code: str, error: str) -> None:
    with pytest.raises(ToolException) as caught:
        run(code)
    assert str(caught.value) == error


@pytest.mark.parametrize("module", MODULES.split(", "))
def test_the_modules_of_the_usage_are_there(run: Run, module: str) -> None:
    assert run(f"import {module}\n'there'") == "'there'"


@pytest.mark.parametrize(
    ("lacking", "code"),
    [
        ("all other modules (numpy", "import numpy"),
        ("statistics", "import statistics"),
        ("files", "open('/etc/passwd')"),
        ("files", "from pathlib import Path\nPath('/tmp').iterdir()"),
        ("network", "import socket"),
        ("input()", "input()"),
        ("del", "x = 1\ndel x"),
        ("yield", "def f():\n    yield 1"),
        ("import *", "from math import *"),
        ("class inheritance", "class A: pass\nclass B(A): pass"),
        ("super()", "super()"),
        ("comparison methods", "class A:\n    def __lt__(self, other): return True\nA() < A()"),
        ("@property", "class A:\n    @property\n    def x(self): return 1"),
        ("@staticmethod", "class A:\n    @staticmethod\n    def x(): return 1"),
    ],
)
def test_what_the_usage_says_is_lacking_is_lacking(run: Run, lacking: str, code: str) -> None:
    assert lacking in LACKS
    with pytest.raises(ToolException):
        run(code)


def test_much_output_is_cut(run: Run) -> None:
    shown = run("for i in range(100000): print('word')")
    assert len(shown) < 3100
    assert shown.endswith("…\nThe rest is left out.")


def test_a_long_snippet_is_refused(run: Run) -> None:
    with pytest.raises(ToolException, match="too long: 10,001 characters, at most 10,000"):
        run("#" * 10_001)


def test_the_time_limit_is_a_setting() -> None:
    quick = code_tool(Settings(seconds=0.2), Path())
    began = time.monotonic()
    with pytest.raises(ToolException, match="TimeoutError"):
        quick.invoke({"code": "while True: pass"})
    assert time.monotonic() - began < 1


def test_one_snippet_knows_nothing_of_another(run: Run) -> None:
    assert run("x = 5\nx") == "5"
    with pytest.raises(ToolException, match="name 'x' is not defined"):
        run("x")


def test_many_snippets_run_at_once_and_from_an_event_loop(run: Run, tool: BaseTool) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, (f"{i} * 2" for i in range(40)))) == [str(i * 2) for i in range(40)]

    async def together() -> list[Any]:
        return await asyncio.gather(*(tool.ainvoke({"code": f"{i}"}) for i in range(40)))

    assert asyncio.run(together()) == [str(i) for i in range(40)]


def test_the_last_value_is_printed_by_the_box() -> None:
    shown = showing_last_value("a = 1; a + 1 # two")
    assert shown == "a = 1; _ = (a + 1\n)\nif _ is not None:\n    print(f'{_!r}')\nNone"


DEEP = ["(" * 9000, "[" * 3000 + "]" * 3000, "-" * 9000 + "1", "not " * 2000 + "1", "lambda:" * 1400 + "1", "{" * 9000]
WIDE = ["1+1" * 3000, "f(" * 2000 + ")" * 2000, "a" + ".b" * 4900, "x if y else " * 800 + "1", "f'" + "{f'" * 500]


@pytest.mark.parametrize("code", [*DEEP, *WIDE, "x\x00y", "\ufeff1", "\\" * 9000, "'" * 9999])
def test_no_code_harms_whoever_looks_for_its_last_line(code: str) -> None:
    with ThreadPoolExecutor(1) as thread:  # its stack is smaller than that of the main thread
        assert thread.submit(showing_last_value, code).result(timeout=2).endswith("\nNone")


def test_it_needs_nothing_and_is_never_live() -> None:
    assert missing(Settings()) == live(Settings()) == live(Settings(backend="bubblewrap")) == ""
