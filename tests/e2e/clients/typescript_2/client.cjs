// The TypeScript SDK, 2.x: of the modern era where it is told to look for it.

const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");
const { report, seen, tell } = require("../story.cjs");

function client(options) {
  return new Client({ name: "tester", version: "0" }, { capabilities: { elicitation: { form: {} } }, ...options });
}

function transport(server) {
  return server[0].startsWith("http")
    ? new StreamableHTTPClientTransport(new URL(server[0]))
    : new StdioClientTransport({ command: server[0], args: server.slice(1), env: process.env });
}

async function main(server) {
  const unasked = client({});
  await unasked.connect(transport(server));
  const usual = unasked.getNegotiatedProtocolVersion();
  await unasked.close();

  const modern = client({ versionNegotiation: { mode: "auto" } });
  const progress = [];
  const asked = [];
  modern.setRequestHandler("elicitation/create", ({ params }) => {
    asked.push(params.message);
    return { action: "accept", content: { agree: true } };
  });
  await modern.connect(transport(server));
  const tools = (await modern.listTools()).tools.map((tool) => tool.name);
  const onprogress = (note) => progress.push([note.progress, note.total, note.message]);
  const saw = await tell(async (name, args) =>
    seen(await modern.callTool({ name, arguments: args }, { onprogress })),
  );
  const eras = { usual, asked: modern.getNegotiatedProtocolVersion() };
  report("@modelcontextprotocol/client", { eras, tools, saw, progress, asked });
  await modern.close();
}

main(process.argv.slice(2));
