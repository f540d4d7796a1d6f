"""fastmcp's client with its own sign-in: lists, calls, lets its token end, and calls again.

usage: python_fastmcp.py URL WAIT_S [METADATA_URL]
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth


async def main(url, wait_s, metadata_url=None):
    more = {"client_metadata_url": metadata_url} if metadata_url else {}
    async with Client(url, auth=OAuth(url, **more)) as client:
        tools = [tool.name for tool in await client.list_tools()]
        first = await client.call_tool("getPet", {"petId": 1}, raise_on_error=False)
        await asyncio.sleep(float(wait_s))
        second = await client.call_tool("getPet", {"petId": 1}, raise_on_error=False)
    print(json.dumps({"tools": tools, "answers": [first.structured_content, second.structured_content]}))


asyncio.run(main(*sys.argv[1:]))
