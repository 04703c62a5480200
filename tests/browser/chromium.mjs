// Starts Debian's Chromium so that it talks to the page's own server and to nobody else.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // the tests also run as root, where the sandbox refuses to start
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  // A name that is looked up fails here, whatever the machine's resolver would say.
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/** Runs `visit(page, seen)` on a fresh profile and gives `seen`: what the browser asked and complained about. */
export async function visiting(executablePath, visit) {
  const profile = await mkdtemp(join(tmpdir(), "bashgah-browser-"));
  const seen = { requests: [], complaints: [] };
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: FLAGS,
      viewport: { width: 1280, height: 800 },
    });
    try {
      context.on("request", (request) => seen.requests.push(request.url()));
      const page = context.pages()[0] ?? (await context.newPage());
      page.setDefaultTimeout(20_000);
      page.on("pageerror", (error) => seen.complaints.push(String(error)));
      // What the content security policy refuses is reported here too.
      page.on("console", (message) => {
        if (message.type() === "error") seen.complaints.push(message.text());
      });
      await visit(page, seen);
    } finally {
      await context.close();
    }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  return seen;
}
