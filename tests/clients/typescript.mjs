// Does an errand with the TypeScript SDK's client, version 2. See `clients.py` for what an errand is.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const errand = JSON.parse(process.argv[2]);
const mode = ["auto", "legacy"].includes(errand.mode) ? errand.mode : { pin: errand.mode };

const transports = {
  http: () => new StreamableHTTPClientTransport(new URL(errand.url)),
  sse: () => new SSEClientTransport(new URL(errand.url)),
  stdio: () => new StdioClientTransport({ command: errand.command[0], args: errand.command.slice(1) }),
};

const client = new Client({ name: "judge", version: "1" }, { versionNegotiation: { mode } });
await client.connect(transports[errand.transport]());

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
const protocol = client.getNegotiatedProtocolVersion();
await client.close();
console.log(JSON.stringify({ protocol, tools, answers }));
