//! HTTP routes, middleware, listener and health around an MCP endpoint.
