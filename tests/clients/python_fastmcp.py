"""Does an errand with fastmcp's client. See `clients.py` for what an errand is."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport


def target(errand):
    match errand["transport"]:
        case "http":
            return StreamableHttpTransport(errand["url"])
        case "sse":
            return SSETransport(errand["url"])
        case "stdio":
            program, *arguments = errand["command"]
            return StdioTransport(command=program, args=arguments)


async def main(errand):
    async with Client(target(errand), mode=errand["mode"]) as client:
        tools = [tool.name for tool in await client.list_tools()]
        answers = []
        for call in errand["calls"]:
            result = await client.call_tool(call["tool"], call["arguments"], raise_on_error=False)
            text = "".join(block.text for block in result.content if block.type == "text")
            answers.append({"isError": result.is_error, "text": text, "structured": result.structured_content})
        print(json.dumps({"protocol": client.protocol_version, "tools": tools, "answers": answers}))


asyncio.run(main(json.loads(sys.argv[1])))
