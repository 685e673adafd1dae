// The host's own page: the official client, the official bridge, and the card in two frames as the specification has it.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { AppBridge, PostMessageTransport, RESOURCE_MIME_TYPE, getToolUiResourceUri } from "@modelcontextprotocol/ext-apps/app-bridge";

const CAN = {
  openLinks: {},
  serverTools: {},
  serverResources: {},
  downloadFile: {},
  message: { text: {} },
  updateModelContext: { text: {} },
};

window.heard = { messages: [], links: [], downloads: [], context: [], modes: [], sizes: [] };

window.open_card = async ({ mcp, sandbox, era, apps, can, context, tool, args, changed }) => {
  const extensions = apps ? { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } } : {};
  const options = { capabilities: { extensions }, versionNegotiation: { mode: era === "modern" ? "auto" : "legacy" } };
  const client = new Client({ name: "a host in a browser", version: "0" }, options);
  await client.connect(new StreamableHTTPClientTransport(new URL(mcp, location.href)));
  const told = (await client.listTools()).tools.find((one) => one.name === tool);
  const uri = getToolUiResourceUri(told);
  const [card] = (await client.readResource({ uri })).contents;
  const { csp } = card._meta.ui;

  const bridge = new AppBridge(client, { name: "a host in a browser", version: "0" }, can ?? CAN, {
    hostContext: { availableDisplayModes: ["inline", "fullscreen"], displayMode: "inline", ...context },
  });
  bridge.onmessage = async ({ content }) => (window.heard.messages.push(content[0].text), {});
  bridge.onopenlink = async ({ url }) => (window.heard.links.push(url), {});
  bridge.ondownloadfile = async ({ contents }) => (window.heard.downloads.push(contents[0]), {});
  bridge.onupdatemodelcontext = async ({ content }) => (window.heard.context.push(content[0].text), {});
  bridge.onrequestdisplaymode = async ({ mode }) => (window.heard.modes.push(mode), { mode });

  const frame = document.createElement("iframe");
  frame.style = "border:0;width:100%;height:0";
  bridge.addEventListener("sizechange", ({ height }) => {
    window.heard.sizes.push(height);
    frame.style.height = `${height}px`;
  });
  const initialized = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
  const ready = new Promise((resolve) => bridge.addEventListener("sandboxready", resolve));
  frame.src = `${sandbox}?csp=${encodeURIComponent(JSON.stringify(csp))}`;
  document.body.append(frame);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  await ready;
  await bridge.sendSandboxResourceReady({ html: card.text, csp });
  await initialized;
  window.bridge = bridge;
  await bridge.sendToolInput({ arguments: args });
  const result = await client.callTool({ name: tool, arguments: args });
  Object.assign(result.structuredContent ?? {}, changed);
  await bridge.sendToolResult(result);
  return { version: client.getNegotiatedProtocolVersion(), mime: card.mimeType, csp, result };
};
