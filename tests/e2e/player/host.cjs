// A browser to look at cards with. It reads one command per line, and answers each with a line: see ../browser.py.

const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const esbuild = require("esbuild");
const { default: chromium } = require("@sparticuz/chromium");
const { default: puppeteer } = require("puppeteer-core");

const CHINESE = "../../../wan_mcp/simulator/media/NotoSansCJKsc-Medium-subset.otf";

// The host's page, and behind it the MCP server: a browser may not call another origin that does not say so.
function hostPage(script) {
  return http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://host");
    if (pathname === "/page.js") return response.setHeader("content-type", "text/javascript").end(script);
    if (pathname !== "/mcp") return response.setHeader("content-type", "text/html").end(`<!doctype html><meta charset="utf-8">
      <style>body{margin:12px;background:light-dark(#fff,#262624)}</style><body><script src="/page.js"></script>`);
    const url = new URL(searchParams.get("at"));
    const headers = { ...request.headers, host: url.host, origin: url.origin };
    const onward = http.request(url, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", (error) => response.writeHead(502).end(String(error)));
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => body && calls.push(JSON.parse(body)));
    request.pipe(onward);
    response.on("close", () => onward.destroy());
  });
}

let calls = [];

// The sandbox, of another origin: https://github.com/modelcontextprotocol/ext-apps, specification, "Sandbox proxy".
const PROXY = `<!doctype html><body style="margin:0"><script>
const host = new URL(document.referrer).origin, frame = document.createElement("iframe");
frame.style = "position:fixed;inset:0;width:100%;height:100%;border:0";
frame.sandbox = "allow-scripts allow-same-origin allow-forms";
document.body.append(frame);
addEventListener("message", ({ source, data }) => {
  if (source === frame.contentWindow) return parent.postMessage(data, host);
  if (source !== parent) return;
  if (data?.method !== "ui/notifications/sandbox-resource-ready") return frame.contentWindow.postMessage(data, "*");
  const page = frame.contentDocument;
  page.open(); page.write(data.params.html); page.close();
});
parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} }, host);
</script>`;

const sandbox = http.createServer((request, response) => {
  const { resourceDomains = [], connectDomains = [] } = JSON.parse(new URL(request.url, "http://box").searchParams.get("csp") || "{}");
  const from = resourceDomains.join(" ");
  response.setHeader("content-type", "text/html");
  response.setHeader("content-security-policy", `default-src 'none'; script-src 'self' 'unsafe-inline' ${from};
    style-src 'self' 'unsafe-inline' ${from}; connect-src ${connectDomains.join(" ") || "'none'"}; img-src 'self' data: ${from};
    font-src 'self' ${from}; media-src 'self' data: ${from}; frame-src 'self'; object-src 'none'; base-uri 'self'`.replace(/\s+/g, " "));
  response.end(PROXY);
});

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

async function main() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(__dirname, "page.mjs")],
    bundle: true, format: "iife", platform: "browser", write: false, logLevel: "error", nodePaths: [process.env.NODE_PATH],
  });
  const [hostPort, boxPort] = [await listen(hostPage(outputFiles[0].text)), await listen(sandbox)];
  const executablePath = await chromium.executablePath();
  const fonts = path.join(os.tmpdir(), "fonts");  // where this Chromium unpacks its own, which have no Chinese
  fs.copyFileSync(path.join(__dirname, CHINESE), path.join(fonts, path.basename(CHINESE)));
  const browser = await puppeteer.launch({
    executablePath,
    args: [...chromium.args.filter((one) => !one.includes("web-security")), "--no-sandbox"],
    headless: "shell",
  });

  let page, complaints;
  const card = () => page.frames().find((frame) => frame.parentFrame()?.parentFrame());
  const work = {
    async open({ width, dark, ...wanted }) {
      calls = [];
      complaints = [];
      page = await browser.newPage();
      await page.setViewport({ width: width ?? 640, height: 720, deviceScaleFactor: wanted.scale ?? 1 });
      await page.emulateMediaFeatures([
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
        { name: "prefers-reduced-motion", value: wanted.calm ? "reduce" : "no-preference" },
      ]);
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error.stack)));
      await page.goto(`http://localhost:${hostPort}/`);
      const mcp = `/mcp?at=${encodeURIComponent(wanted.server)}`;
      return page.evaluate((all) => window.open_card(all), { ...wanted, mcp, sandbox: `http://127.0.0.1:${boxPort}/` });
    },
    async look() {
      const seen = await card().evaluate(() => {
        const video = document.getElementById("video");
        return {
          text: document.body.innerText,
          status: document.getElementById("status").textContent,
          mood: document.getElementById("card").dataset.mood,
          clock: document.getElementById("clock").textContent,
          buttons: [...document.querySelectorAll("button")].filter((one) => one.checkVisibility()).map((one) => one.textContent),
          lang: document.documentElement.lang,
          scheme: getComputedStyle(document.documentElement).colorScheme,
          paper: getComputedStyle(document.body).backgroundColor,
          wide: document.documentElement.scrollWidth > innerWidth,
          video: video.checkVisibility() && {
            from: video.currentSrc.split(/[:/]/)[0], duration: video.duration, width: video.videoWidth,
            height: video.videoHeight, time: video.currentTime, paused: video.paused,
          },
        };
      });
      const tools = calls.filter((call) => call.method === "tools/call").map((call) => call.params);
      return { ...seen, tools, calls: calls.map((call) => call.method), complaints, heard: await page.evaluate(() => window.heard) };
    },
    async press({ name }) {
      const frame = card();
      const button = await frame.evaluateHandle((text) => [...document.querySelectorAll("button")].find((one) => one.textContent.includes(text)), name);
      await button.asElement().click();
    },
    async keys({ keys }) {
      const path = [];
      for (const key of keys) {
        await page.keyboard.press(key);
        path.push(await card().evaluate(() => document.activeElement.id));
      }
      return path;
    },
    async focus() { await card().focus("body"); await card().evaluate(() => { document.body.tabIndex = -1; document.body.focus(); }); },
    async play({ seconds }) {
      return card().evaluate(async (enough) => {
        const video = document.getElementById("video");
        await video.play();
        await new Promise((resolve) => (video.ontimeupdate = () => video.currentTime > enough && resolve()));
        return video.currentTime;
      }, seconds);
    },
    async hide({ hidden }) {
      await card().evaluate((is) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    },
    async host({ context }) { await page.evaluate((all) => window.bridge.setHostContext(all), context); },
    async cancelled() { await page.evaluate(() => window.bridge.sendToolCancelled({ reason: "user action" })); },
    async result({ result }) { await page.evaluate((all) => window.bridge.sendToolResult(all), result); },
    async tear_down() { return page.evaluate(() => window.bridge.teardownResource({})); },
    async wait({ seconds }) { await new Promise((resolve) => setTimeout(resolve, 1000 * seconds)); },
    async tree() { return JSON.stringify(await page.accessibility.snapshot({ includeIframes: true })); },
    async shoot({ file }) { await page.screenshot({ path: file, fullPage: true }); },
    async close() { await page.close(); },
  };

  const tell = (said) => console.log(JSON.stringify(said));
  tell({ number: 0 });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { number, verb, ...options } = JSON.parse(line);
    try {
      tell({ number, answer: (await work[verb](options)) ?? null });
    } catch (error) {
      tell({ number, error: String(error.stack ?? error) });
    }
  }
  browser.process().kill("SIGKILL");  // nothing in it is worth a farewell
  process.exit(0);
}

main();
