"""Lists the tools of a server with FastMCP's client and a token; prints how many there are.

usage: client.py URL TOKEN
"""

import asyncio
import json
import sys

from fastmcp import Client

url, token = sys.argv[1:]


async def main():
    async with Client(url, auth=token) as client:
        print(json.dumps({"tools": len(await client.list_tools())}))


asyncio.run(main())
