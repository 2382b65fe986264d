// A person with a browser who opens the address of the GraphQL view: GraphiQL, offline.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { BOARD_URL, Native, healthIs, library, play, signInAda } from "../board.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

async function visit(scenario, query) {
  const profile = await mkdtemp(join(tmpdir(), "graphiql-e2e-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, args: FLAGS,
    viewport: { width: 1280, height: 800 },
  });
  try {
    browser.setDefaultTimeout(20_000);
    const page = browser.pages()[0];
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(`page: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(BOARD_URL)) troubles.push(`elsewhere: ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
    });
    await page.addInitScript((text) => localStorage.setItem("graphiql:query", text), query);
    await page.goto(`${BOARD_URL}/graphql/`);
    await page.locator(".graphiql-execute-button").waitFor();
    const seen = await scenario(page);
    await page.screenshot({ path: join(process.env.ARTEFACTS, "graphiql.png") });
    return { ...seen, troubles };
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

const shown = (page, text) => page.locator(".result-window", { hasText: text }).waitFor();

async function query() {
  return visit(async (page) => {
    await page.locator(".graphiql-execute-button").click();
    await shown(page, "\"name\"");
    await page.getByLabel("Show Documentation Explorer").click();
    await page.locator(".graphiql-doc-explorer", { hasText: "Mutation" }).waitFor();
    return { documentation: true };
  }, "{ labels { name } }");
}

async function subscription() {
  const native = await Native.connect(await signInAda());
  const { board, columns } = await library(native);
  const seen = await visit(async (page) => {
    await page.locator(".graphiql-execute-button").click();
    await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
    const data = { column: columns.Ideas, title: "Polish the brass" };
    const card = await native.get("cards", "create", { data });
    await shown(page, "Polish the brass");
    await page.locator(".graphiql-execute-button").click();
    await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
    await native.get("cards", "delete", { pk: card.id });
    return { heard: true };
  }, `subscription { cardActivity(board: ${board}) { action data { title } } }`);
  await native.close();
  return seen;
}

await play({ query, subscription });
