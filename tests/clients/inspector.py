"""Does an errand with the Inspector's command line. See `clients.py` for what an errand is."""

import json
import subprocess
import sys

CALL_S = 30
# The Inspector's exit code when a tool answers with `isError`; the result is on standard output all the same.
TOOL_ERROR = 5


def inspect(errand, *arguments):
    if errand["transport"] == "stdio":
        target = [*errand["command"], "--transport", "stdio"]
    else:
        target = [errand["url"], "--transport", errand["transport"], "--stored-auth-only"]
    done = subprocess.run(
        [*errand["inspector"], "--cli", *target, "--protocol-era", errand["mode"], "--format", "json", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=CALL_S,
    )
    if done.returncode not in (0, TOOL_ERROR):
        sys.exit(f"`{' '.join(arguments)}` ended with {done.returncode}: {done.stdout}")
    return json.loads(done.stdout)["result"]


def main(errand):
    protocol = inspect(errand, "--method", "initialize")["protocolVersion"]
    # `--strict` also judges whether the schemas are of the kind that the major models take.
    tools = [tool["name"] for tool in inspect(errand, "--method", "tools/list", "--strict")["tools"]]
    answers = []
    for call in errand["calls"]:
        arguments = ["--tool-name", call["tool"], "--tool-args-json", json.dumps(call["arguments"])]
        result = inspect(errand, "--method", "tools/call", *arguments)
        text = "".join(block.get("text", "") for block in result["content"])
        answers.append(
            {"isError": result.get("isError", False), "text": text, "structured": result.get("structuredContent")}
        )
    print(json.dumps({"protocol": protocol, "tools": tools, "answers": answers}))


main(json.loads(sys.argv[1]))
