// MCP Inspector's command line: one process a call, so over stdio also one server a call, all on one ledger.

const { spawnSync } = require("node:child_process");
const { join } = require("node:path");
const { report, tell } = require("../story.cjs");

const package = "@modelcontextprotocol/inspector";
const program = join(process.env.NODE_PATH, package, "clients", "launcher", "build", "index.js");
const progress = [];

function inspect(server, ...options) {
  const settings = Object.entries(process.env).filter(([name]) => /^(WAN_MCP|DASHSCOPE)_/.test(name));
  const where = server[0].startsWith("http")
    ? ["--server-url", server[0], "--transport", "http"]
    : [...server, ...settings.flatMap(([name, value]) => ["-e", `${name}=${value}`])];
  const words = [program, "--cli", ...where, "--connect-timeout", "30000", "--format", "json", ...options];
  const run = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 60000 });
  progress.push(...(run.stdout + run.stderr).split("\n").filter((line) => line.includes("notifications/progress")));
  return run.stdout || run.stderr;
}

async function main(server) {
  const era = (...options) => JSON.parse(inspect(server, "--method", "initialize", ...options)).result.protocolVersion;
  const eras = { usual: era(), asked: era("--protocol-era", "auto") };
  const tools = JSON.parse(inspect(server, "--method", "tools/list")).result.tools.map((tool) => tool.name);
  const saw = await tell(async (name, args) =>
    inspect(server, "--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args)),
  );
  report(package, { eras, tools, saw, progress });
}

main(process.argv.slice(2));
