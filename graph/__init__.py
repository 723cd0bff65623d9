"""LangGraph graphs: group planning, its faces for other programs, and the batch runner that all stages share.

from autoact.graph import group_planning

builder = group_planning("ollama:qwen3", tools, "Answer questions about our handbook.")
graph = builder.compile()
graph.invoke({"question": "How many days of leave are there?"})["answer"]
"""

from autoact.graph.chat import chat_planning
from autoact.graph.context import Context
from autoact.graph.embed import as_tool
from autoact.graph.group import group_planning
from autoact.graph.run_folder import open_run

__all__ = ["Context", "as_tool", "chat_planning", "group_planning", "open_run"]
