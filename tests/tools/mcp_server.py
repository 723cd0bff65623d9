"""A real MCP server for the tests: `python mcp_server.py [PORT]`, over stdio or over HTTP."""

import asyncio
import logging
import os
import sys
import time

from mcp.server.fastmcp import FastMCP

app = FastMCP("docs", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000, log_level="ERROR")
app._mcp_server.version = os.environ.get("VERSION", "1.0")


@app.tool()
def find(words: str) -> str:
    """Finds pages by their words."""
    return f"{os.environ.get('GREETING', 'found')} {words} in process {os.getpid()}"


@app.tool()
def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    return a + b


@app.tool()
def refuse(reason: str) -> str:
    """Always refuses."""
    raise ValueError(reason)


@app.tool()
def die() -> str:
    """Ends the server."""
    os._exit(3)


@app.tool()
async def dawdle() -> str:
    """Takes its time."""
    await asyncio.sleep(30)
    return "done"


@app.tool()
def block() -> str:
    """Takes its time and lets nobody else in."""
    time.sleep(30)
    return "done"


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    app.run("streamable-http" if len(sys.argv) > 1 else "stdio")
