"""A trained team over the network: HTTP with server-sent events, and MCP."""
