"""Does an errand with the Python SDK's client. See `clients.py` for what an errand is."""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client


def target(errand):
    match errand["transport"]:
        case "http":
            return errand["url"]
        case "sse":
            return sse_client(errand["url"])
        case "stdio":
            program, *arguments = errand["command"]
            return stdio_client(StdioServerParameters(command=program, args=arguments))


async def main(errand):
    async with Client(target(errand), mode=errand["mode"]) as client:
        tools, cursor = [], None
        while True:
            page = await client.list_tools(cursor=cursor)
            tools += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        answers = []
        for call in errand["calls"]:
            result = await client.call_tool(call["tool"], call["arguments"])
            text = "".join(block.text for block in result.content if block.type == "text")
            answers.append({"isError": result.is_error, "text": text, "structured": result.structured_content})
        print(json.dumps({"protocol": client.protocol_version, "tools": tools, "answers": answers}))


asyncio.run(main(json.loads(sys.argv[1])))
