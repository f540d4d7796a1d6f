"""Lets the MCP clients that people use list and call the demo's tools, each in every era that it speaks.

A client is a small program in `clients/`. It is given an *errand* as its one argument, a JSON object:

    transport   `http`, `sse` or `stdio`
    url         where the server is, for `http` and `sse`
    command     how the server is started, for `stdio`
    mode        the era to ask for: `auto`, `legacy`, or a revision to insist on
    calls       what to call: a list of `tool` and `arguments`

and prints what it met as one line of JSON: `protocol` (the revision agreed on), `tools` (every name), and `answers`
(`isError`, `text` and `structured` of each call). Judging is done here, and the same for all.

usage: clients.py
"""

import json
import sys
import urllib.request

import harness
from harness import Failure

CLIENT_S = 90
TOOLS_MIN = 15

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
# What the old HTTP+SSE transport belongs to; a newer handshake over it is no fault.
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", LEGACY)

PYTHON_MCP = [harness.PYTHON, "python_mcp.py"]
FASTMCP = [harness.PYTHON, "python_fastmcp.py"]
TYPESCRIPT = ["node", "typescript.mjs"]
TYPESCRIPT_1 = ["node", "typescript_sdk.mjs"]
INSPECTOR = [harness.PYTHON, "inspector.py"]
# mcp-remote has no client of its own: somebody must speak to its stdio side.
THROUGH_REMOTE = [harness.PYTHON, "python_mcp.py"]

# name, client, by way of, mode, the revisions it may agree on
CLIENTS = [
    ("Python mcp, auto", PYTHON_MCP, "http", "auto", [MODERN]),
    ("Python mcp, legacy", PYTHON_MCP, "http", "legacy", [LEGACY]),
    ("Python mcp, 2026-07-28", PYTHON_MCP, "http", MODERN, [MODERN]),
    ("Python mcp, HTTP+SSE", PYTHON_MCP, "sse", "legacy", HANDSHAKE),
    ("Python mcp, stdio auto", PYTHON_MCP, "stdio", "auto", [MODERN]),
    ("Python mcp, stdio legacy", PYTHON_MCP, "stdio", "legacy", [LEGACY]),
    ("Python mcp, stdio 2026-07-28", PYTHON_MCP, "stdio", MODERN, [MODERN]),
    ("fastmcp, auto", FASTMCP, "http", "auto", [MODERN]),
    ("fastmcp, legacy", FASTMCP, "http", "legacy", [LEGACY]),
    ("fastmcp, 2026-07-28", FASTMCP, "http", MODERN, [MODERN]),
    ("fastmcp, HTTP+SSE", FASTMCP, "sse", "auto", HANDSHAKE),
    ("fastmcp, stdio", FASTMCP, "stdio", "auto", [MODERN]),
    ("TypeScript client, auto", TYPESCRIPT, "http", "auto", [MODERN]),
    ("TypeScript client, legacy", TYPESCRIPT, "http", "legacy", [LEGACY]),
    ("TypeScript client, 2026-07-28", TYPESCRIPT, "http", MODERN, [MODERN]),
    ("TypeScript client, HTTP+SSE", TYPESCRIPT, "sse", "legacy", HANDSHAKE),
    ("TypeScript client, stdio", TYPESCRIPT, "stdio", "auto", [MODERN]),
    ("TypeScript SDK 1", TYPESCRIPT_1, "http", "legacy", [LEGACY]),
    ("TypeScript SDK 1, HTTP+SSE", TYPESCRIPT_1, "sse", "legacy", HANDSHAKE),
    ("TypeScript SDK 1, stdio", TYPESCRIPT_1, "stdio", "legacy", [LEGACY]),
    ("Inspector, legacy", INSPECTOR, "http", "legacy", [LEGACY]),
    ("Inspector, auto", INSPECTOR, "http", "auto", [MODERN]),
    ("Inspector, modern", INSPECTOR, "http", "modern", [MODERN]),
    ("Inspector, HTTP+SSE", INSPECTOR, "sse", "legacy", HANDSHAKE),
    ("Inspector, stdio legacy", INSPECTOR, "stdio", "legacy", [LEGACY]),
    ("Inspector, stdio modern", INSPECTOR, "stdio", "modern", [MODERN]),
    ("mcp-remote, legacy client", THROUGH_REMOTE, "remote", "legacy", [LEGACY]),
    ("mcp-remote, modern client", THROUGH_REMOTE, "remote", MODERN, [MODERN]),
]


# The first pet of the demo, and one that is not there: what a model must be told as a result, not as a broken protocol.
FOUND = {"tool": "getPet", "arguments": {"petId": 1}}
MISSING = {"tool": "getPet", "arguments": {"petId": 999_999}}


def errand(way, mode, demo):
    """What one client is to do."""
    inspector = harness.NODE_MODULES / ".bin" / "mcp-inspector"
    remote = harness.NODE_MODULES / "mcp-remote" / "dist" / "proxy.js"
    serve = [harness.binary("wharf"), "serve", demo.document, "--base-url", demo.store, "--stdio"]
    ways = {
        "http": {"transport": "http", "url": f"{demo.url}/mcp"},
        "sse": {"transport": "sse", "url": f"{demo.url}/sse"},
        "stdio": {"transport": "stdio", "command": [str(word) for word in serve]},
        "remote": {"transport": "stdio", "command": ["node", str(remote), f"{demo.url}/mcp"]},
    }
    return ways[way] | {"mode": mode, "calls": [FOUND, MISSING], "inspector": ["node", str(inspector)]}


def judge(client, way, mode, revisions, demo, pet):
    """Sends one client on its errand and compares what it met with what the API itself says."""
    program, script = client
    with harness.scratch() as home:
        command = [program, harness.ROOT / "tests" / "clients" / script, json.dumps(errand(way, mode, demo))]
        code, output, messages = harness.run(command, timeout_s=CLIENT_S, home=home)
    if code != 0:
        raise Failure(f"the client ended with {code}\n{harness.tail(output)}\n{harness.tail(messages)}")
    met = harness.parse_json_line(output)
    if met["protocol"] not in revisions:
        raise Failure(f"agreed on {met['protocol']}, not on {' or '.join(revisions)}")
    if len(met["tools"]) < TOOLS_MIN or FOUND["tool"] not in met["tools"]:
        raise Failure(f"lists {len(met['tools'])} tools: {', '.join(met['tools'])}")
    found, missing = met["answers"]
    if found["isError"] or json.loads(found["text"]) != pet or found["structured"] != pet:
        raise Failure(f"`{FOUND}` answers {found}\nthe API itself answers {pet}")
    if not missing["isError"] or not missing["text"]:
        raise Failure(f"`{MISSING}` answers {missing}")
    return f"{met['protocol']}, {len(met['tools'])} tools"


def main():
    tally = harness.Tally()
    with harness.demo() as demo:
        with urllib.request.urlopen(f"{demo.store}/pets/1", timeout=harness.START_S) as answer:
            pet = json.load(answer)
        for name, client, way, mode, revisions in CLIENTS:
            tally.case(name, lambda: judge(client, way, mode, revisions, demo, pet))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
