"""The public functions: typed, for programs and as MCP tools."""
