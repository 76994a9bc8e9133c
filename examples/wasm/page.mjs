// node page.mjs FOLDER CHROMIUM: opens the page of the folder in Chromium, lets it train
// to the end, and checks what it shows.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [folder, chromium] = process.argv.slice(2);
const types = { html: "text/html; charset=utf-8", wasm: "application/wasm" };
const server = createServer((request, response) => {
  const name = new URL(request.url, "http://localhost").pathname.slice(1) || "index.html";
  const type = types[name.split(".").pop()];
  if (!/^[a-z_]+\.(html|wasm)$/.test(name) || !type) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": type }).end(readFileSync(join(folder, name)));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const profile = mkdtempSync(join(tmpdir(), "gradsieve-page-"));
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`, "--window-size=390,844",
  "--virtual-time-budget=20000", "--dump-dom", `http://127.0.0.1:${server.address().port}/`,
];
const page = await new Promise((done, failed) => {
  execFile(chromium, flags, { timeout: 60000, maxBuffer: 1 << 24 }, (error, text) => (error ? failed(error) : done(text)));
}).finally(() => {
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

const shown = (id) => page.match(new RegExp(`id="${id}"[^>]*>([^<]*)<`))?.[1] ?? "nothing";
const number = (id) => Number.parseFloat(shown(id));
const check = (holds, what) => {
  if (!holds) {
    console.error(`the page does not say ${what}: ${["state", "all", "passed", "flagged", "found"].map((id) => `${id} ${shown(id)}`).join(", ")}`);
    process.exit(1);
  }
};
check(shown("state") === "done", "that it has trained to the end");
check(number("passed") > number("all"), "that the sieve helps");
check(number("flagged") > 0 && number("found") > 0, "that samples were flagged, wrong labels among them");
check(!/id="drawn"[^>]*>0</.test(page), "that it has drawn");
console.log(`in the browser: ${shown("all")} right without the sieve, ${shown("passed")} with it; ${shown("flagged")} flagged, ${shown("found")} of them wrong labels`);
