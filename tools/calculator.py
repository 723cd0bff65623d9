"""Calculator: an arithmetic expression → its value, computed in the pydantic-monty sandbox.

>>> to_python("15% of 1,234 ^ 2")
'(15/100)* 1234 ** 2'
"""

import re

from langchain_core.tools import BaseTool, ToolException

from autoact.tools.memory import Output, library_tool
from autoact.tools.sandbox import LIMITS, Sandbox

DEFINITION = "computes an arithmetic expression."
USAGE = "the expression alone, such as 3 * 4."
IMPORTS = "from math import sqrt, sin, cos, tan, log, log10, exp, pi, e, floor, ceil"
LONGEST = 500
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PERCENT_OF = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*of\b", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%(?!\s*[\w(])")


def to_python(expression: str) -> str:
    """The expression as Python: `^` is a power, `1,234` a number, `15% of x` a product."""
    text = _THOUSANDS.sub("", expression.strip().rstrip("=? ").translate(_SIGNS))
    return _PERCENT.sub(r"(\1/100)", _PERCENT_OF.sub(r"(\1/100)*", text))


def calculate(sandbox: Sandbox, expression: str) -> str:
    """The value of an expression, as text. Raises ToolException when it has none within the limits."""
    from pydantic_monty import MontyError

    if len(expression) > LONGEST or "\n" in expression.strip():
        raise ToolException(f"An expression is one line of at most {LONGEST} characters.")
    code = f"{IMPORTS}\n({to_python(expression)})"
    try:
        value = sandbox.run(code)
    except MontyError as problem:
        reason = str(problem).strip().splitlines()[-1][:200] if str(problem).strip() else "it has no value"
        raise ToolException(f"{expression[:100]} cannot be computed: {reason}") from None
    if not isinstance(value, (int, float)):
        raise ToolException(f"{expression[:100]} is not an arithmetic expression.")
    return _shown(value)


def _shown(value: int | float) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    if value.bit_length() > 1000:
        raise ToolException("The value has more than 300 digits.")
    return str(value)


def calculator_tool() -> BaseTool:
    """A calculator; nothing it is given can touch files, network or this process."""
    sandbox = Sandbox(LIMITS)

    def run(expression: str) -> Output:
        return Output(calculate(sandbox, expression))

    return library_tool("Calculator", DEFINITION, USAGE, run, slow=True)
