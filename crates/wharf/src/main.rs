//! One binary that makes APIs into MCP servers.

fn main() {}
