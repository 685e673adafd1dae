// The TypeScript SDK, 1.x.

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { ElicitRequestSchema } = require("@modelcontextprotocol/sdk/types.js");
const { report, seen, tell } = require("../story.cjs");

async function main(server) {
  const transport = server[0].startsWith("http")
    ? new StreamableHTTPClientTransport(new URL(server[0]))
    : new StdioClientTransport({ command: server[0], args: server.slice(1), env: process.env });
  const client = new Client({ name: "tester", version: "0" }, { capabilities: { elicitation: {} } });
  const progress = [];
  const asked = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    return { action: "accept", content: { agree: true } };
  });

  // The transport is told the version that was negotiated; over stdio nobody else would know it.
  let era;
  transport.setProtocolVersion = ((before) => (version) => {
    era = version;
    before?.call(transport, version);
  })(transport.setProtocolVersion);

  await client.connect(transport);
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const onprogress = (note) => progress.push([note.progress, note.total, note.message]);
  const saw = await tell(async (name, args) =>
    seen(await client.callTool({ name, arguments: args }, undefined, { onprogress })),
  );
  report("@modelcontextprotocol/sdk", { eras: { usual: era }, tools, saw, progress, asked });
  await client.close();
}

main(process.argv.slice(2));
