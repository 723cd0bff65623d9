"""LangGraph graphs: group planning, and the batch runner that synthesis, demo and evaluation share."""
