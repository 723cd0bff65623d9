"""Hostile Python: without end, of any size, or after what is not its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.code import Settings, code_tool

RIGHT = ("6 * 7", "42")
CASES = [
    # without end
    "while True: pass",
    "exec('while True: pass')",
    "def f(n): return f(n + 1)\nf(0)",
    "f = lambda f: f(f)\nf(f)",
    "try:\n    while True: pass\nexcept BaseException:\n    pass\nwhile True: pass",
    "while True:\n    try: nothing\n    except NameError: pass",
    "import time\ntime.sleep(10 ** 9)",
    "import asyncio\nasyncio.run(asyncio.sleep(10 ** 9))",
    "sum(range(10 ** 12))",
    "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 10 ** 9)",
    "[i for i in range(10 ** 9) if i < 0]",
    # regular expressions
    "import re\nre.match('(a+)+$', 'a' * 5000 + 'b')",
    "import re\nre.match(r'(a+)\\1+$', 'a' * 50000 + 'b')",
    "import re\nre.match('(?=(a|aa)+$)b', 'a' * 5000)",
    "import re\nre.sub('(a*)*', 'b' * 10000, 'a' * 100000)",
    "import re\nre.compile('(' * 5000 + ')' * 5000)",
    "import re\nre.compile('a{1000}{1000}{1000}')",
    "import re\nre.findall('(.*)*x', 'a' * 30000)",
    "import re\nre.match('^(([a-z])+.)+[A-Z]([a-z])+$', 'a' * 10000)",
    "import json\njson.dumps([0] * 10 ** 9)",
    "import json\njson.loads('9' * 10 ** 6)",
    "import datetime\ndatetime.timedelta(days=10 ** 12)",
    "import base64\nbase64.b64encode(b'a' * 10 ** 9)",
    "import csv\nlist(csv.reader(['\"' * 10 ** 7]))",
    "import copy\na = []\na.append(a)\ncopy.deepcopy([a] * 10 ** 8)",
    "import random\nrandom.sample(range(10 ** 12), 10 ** 9)",
    "import unicodedata\nunicodedata.normalize('NFKD', '\ufdfa' * 10 ** 8)",
    "9 ** 9 ** 9",
    "hash(9 ** 9 ** 7)",
    # giants
    "10 ** 10 ** 9",
    "9 ** 9 ** 9 ** 9",
    "x = 2\nwhile True: x = x * x",
    "import math\nmath.factorial(10 ** 8)",
    "pow(3, 10 ** 8)",
    "int('9' * 10 ** 6)",
    "import decimal\ndecimal.getcontext().prec = 10 ** 9\ndecimal.Decimal(1) / 3",
    # memory
    "'a' * 10 ** 11",
    "[0] * 10 ** 10",
    "bytes(10 ** 10)",
    "list(range(10 ** 10))",
    "x = []\nwhile True: x.append('a' * 10000)",
    "a = [1]\nfor i in range(60): a = [a, a]\na",
    "a = 'ab'\nfor i in range(60): a = a.replace('a', a)",
    "'%1000000000d' % 1",
    "f'{1:>10000000000}'",
    "'x'.center(10 ** 10)",
    "import itertools\nlist(itertools.product(range(1000), repeat=10))",
    "import json\njson.loads('[' * 4000)",
    "import tomllib\ntomllib.loads('a=' + '[' * 4000)",
    # output
    "while True: print('a' * 1000)",
    "for i in range(10 ** 9): print(i)",
    "'x' * 40_000_000",
    "print('\\x1b[2J\\x1b]0;owned\\x07' * 1000)",
    "print('\\ud800' * 1000)",
    "import sys\nprint('x' * 10 ** 8, file=sys.stderr)",
    "raise ValueError('x' * 10 ** 7)",
    "{i: 'x' * 1000 for i in range(10000)}",
    # what is not theirs
    "open('SECRET_FILE').read()",
    "open('SECRET_FILE', 'w').write('gone')",
    "from pathlib import Path\nPath('SECRET_FILE').read_text()",
    "from pathlib import Path\nlist(Path('/').iterdir())",
    "import os\nos.listdir('/')",
    "import os\nos.environ['ABUSE_SECRET']",
    "import os\nos.system('cat SECRET_FILE')",
    "import os\nos._exit(1)",
    "import subprocess\nsubprocess.run(['cat', 'SECRET_FILE'])",
    "import socket\nsocket.create_connection(('127.0.0.1', PORT))",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:PORT/')",
    "import asyncio\nasyncio.open_connection('127.0.0.1', PORT)",
    "import ctypes\nctypes.string_at(0)",
    "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')",
    "().__class__.__base__.__subclasses__()",
    "(lambda: 0).__globals__",
    "(lambda: 0).__code__.co_consts",
    "type(1).__mro__[-1].__subclasses__()",
    "getattr(1, '__cl' + 'ass__').__bases__",
    "'{0.__class__.__init__.__globals__}'.format(1)",
    "__import__('os').system('cat SECRET_FILE')",
    "__builtins__['open']('SECRET_FILE').read()",
    "import sys\nsys.modules['os'].system('id')",
    "breakpoint()",
    "input()",
    "exit()",
    # source
    "(" * 9999,
    "-" * 9999 + "1",
    "f'" + "{f'" * 3000,
    "\\" * 9999,
    "if 1:\n" + "".join(" " * i + "if 1:\n" for i in range(1, 130)),
    "if x: pass\n" + "elif x: pass\n" * 760,
    "x = " + "lambda: " * 1200 + "1",
    "a" + "[0]" * 3300,
    "f(" + "*a," * 3300 + ")",
    "'\\N{" + "a" * 9000 + "}'",
    "x = 0x" + "f" * 9000,
    "x = 1" + "0" * 9000,
    "# coding: utf-7\n+AF8-",
    "print(1)\x0c\x0b\x1c",
]


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    return code_tool(Settings(seconds=0.4), Path())


def test_hostile_python_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
