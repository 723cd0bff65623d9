"""The tool library: one file per tool, each a LangChain tool with name, definition and usage."""
