// Does an errand with the TypeScript SDK, version 1. See `clients.py` for what an errand is.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const errand = JSON.parse(process.argv[2]);

const transports = {
  http: () => new StreamableHTTPClientTransport(new URL(errand.url)),
  sse: () => new SSEClientTransport(new URL(errand.url)),
  stdio: () => new StdioClientTransport({ command: errand.command[0], args: errand.command.slice(1) }),
};

// The client tells the negotiated version to its transport and to nobody else: listen there.
const transport = transports[errand.transport]();
let protocol;
const tell = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  protocol = version;
  tell?.(version);
};

const client = new Client({ name: "judge", version: "1" });
await client.connect(transport);

const tools = [];
let cursor;
do {
  const page = await client.listTools({ cursor });
  tools.push(...page.tools.map((tool) => tool.name));
  cursor = page.nextCursor;
} while (cursor);

const answers = [];
for (const { tool, arguments: args } of errand.calls) {
  const result = await client.callTool({ name: tool, arguments: args });
  const text = result.content.map((block) => block.text ?? "").join("");
  answers.push({ isError: result.isError ?? false, text, structured: result.structuredContent });
}
await client.close();
console.log(JSON.stringify({ protocol, tools, answers }));
