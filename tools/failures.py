"""How a tool fails through no fault of the planner: quotas, keys, timeouts, servers that are down.

    ToolException                 an answer to the planner: "no page has that title"
    └── ToolFailure               the tool could not do its work, whatever it was asked
        ├── ToolTimeout           its backend took longer than it may
        └── ToolUnreachable       its backend could not be reached, or hung up

All are observations, since planning goes on. Failures are counted apart: a run stops when they are frequent
(tools/log.py), so that a spent quota never looks like wrong answers.
"""

from langchain_core.tools import ToolException


class ToolFailure(ToolException):
    """The tool could not do its work, whatever it was asked."""


class ToolTimeout(ToolFailure):
    """The tool's backend took longer than it may."""


class ToolUnreachable(ToolFailure):
    """The tool's backend could not be reached, or hung up."""
