// A person with a browser: the demo's page, driven in Chromium, told by what it shows.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { BOARD_URL, play } from "./board.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

// Opens the page in a browser of its own; whatever a tidy page does not do is noted as trouble.
async function visit(scenario, options = { viewport: DESKTOP }) {
  const profile = await mkdtemp(join(tmpdir(), "board-e2e-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, args: FLAGS, ...options,
  });
  try {
    browser.setDefaultTimeout(15_000);
    const page = browser.pages()[0];
    const troubles = watchFor(page);
    await page.goto(`${BOARD_URL}/`);
    await bothSidesAreLive(page);
    return { ...(await scenario(page)), troubles };
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

function watchFor(page) {
  const troubles = [];
  page.on("console", (message) => troubles.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`page: ${error.message}`));
  page.on("crash", () => troubles.push("the page crashed"));
  page.on("requestfailed", (request) => {
    troubles.push(`failed: ${request.url()} ${request.failure().errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(BOARD_URL)) troubles.push(`elsewhere: ${request.url()}`);
  });
  page.on("websocket", (socket) => {
    socket.on("socketerror", (error) => troubles.push(`socket: ${error}`));
  });
  return troubles;
}

async function bothSidesAreLive(page) {
  for (const side of ["native", "graphql"]) {
    const half = sideOf(page, side);
    await half.locator("[data-testid=connection][data-state=live]").waitFor();
    await half.locator("[data-testid=columns]:not([aria-busy]) [data-testid=card]").first().waitFor();
  }
}

const sideOf = (page, side) => page.locator(`[data-side=${side}]`);
const cardOf = (page, side, id) => sideOf(page, side).locator(`[data-card-id="${id}"]`);
const titled = (page, side, title) => (
  sideOf(page, side).locator("[data-testid=card]").filter({
    has: page.locator("[data-testid=card-title]").getByText(title, { exact: true }),
  }));

function columnOf(page, side, title) {
  return sideOf(page, side).locator("[data-testid=column]").filter({
    has: page.getByRole("heading", { name: title }),
  });
}

// What is read on one side: the titles of its cards by column.
function read(page, side) {
  return sideOf(page, side).evaluate((half) => Object.fromEntries(
    [...half.querySelectorAll("[data-testid=column]")].map((column) => [
      column.querySelector("h3").firstChild.textContent,
      [...column.querySelectorAll("[data-card-id] [data-testid=card-title]")].map((title) => title.textContent),
    ]),
  ));
}

// With the mouse, to the top of a column.
async function drag(page, side, id, column) {
  const from = await cardOf(page, side, id).boundingBox();
  const to = await columnOf(page, side, column).locator("[data-testid=cards]").boundingBox();
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(from.x + from.width / 2 + 12, from.y + from.height / 2, { steps: 3 });
  await page.mouse.move(to.x + to.width / 2, to.y + 4, { steps: 12 });
  await page.mouse.up();
}

// Until the card is the first one of the column on both sides.
async function isFirst(page, id, column) {
  for (const side of ["native", "graphql"]) {
    await columnOf(page, side, column)
      .locator(`[data-card-id="${id}"]:nth-child(1 of [data-card-id])`).waitFor();
  }
}

async function signIn(page, name, password) {
  await page.locator("[data-testid=sign-in]").click();
  await page.locator("[data-testid=username]").fill(name);
  await page.locator("[data-testid=password]").fill(password);
  await page.locator("[data-testid=login-submit]").click();
  await page.locator("[data-testid=user]").getByText(name, { exact: false }).waitFor();
  await bothSidesAreLive(page);
}

const picture = (page, name) => page.screenshot({ path: join(process.env.ARTEFACTS, `${name}.png`) });

// The scenarios -----------------------------------------------------------------------------

const moves = () => visit(async (page) => {
  const seen = { before: { native: await read(page, "native"), graphql: await read(page, "graphql") } };
  const card = columnOf(page, "native", "Ideas").locator("[data-testid=card]").last();
  const id = await card.getAttribute("data-card-id");
  seen.title = await card.locator("[data-testid=card-title]").textContent();

  await drag(page, "native", id, "Doing");
  await isFirst(page, id, "Doing");
  seen.left = { native: await read(page, "native"), graphql: await read(page, "graphql") };
  await picture(page, "moved-on-the-left");

  await drag(page, "graphql", id, "Next");
  await isFirst(page, id, "Next");
  seen.right = { native: await read(page, "native"), graphql: await read(page, "graphql") };

  await cardOf(page, "native", id).hover();
  await cardOf(page, "native", id).locator("[data-testid=move-left]").click();
  await isFirst(page, id, "Ideas");
  seen.button = { native: await read(page, "native"), graphql: await read(page, "graphql") };
  return seen;
});

// A card's whole life, written on one side and read on the other.
async function life(page, mine, other) {
  const first = `Sew cushions (${mine})`;
  const second = `Sew curtains (${mine})`;
  const seen = {};
  await columnOf(page, mine, "Next").locator("[data-testid=add-card]").click();
  await columnOf(page, mine, "Next").locator("[data-testid=new-card-title]").fill(first);
  await page.keyboard.press("Enter");
  await titled(page, other, first).waitFor();
  seen.added = (await read(page, other)).Next.at(-1);
  const id = await titled(page, other, first).getAttribute("data-card-id");

  await cardOf(page, mine, id).click();
  const sheet = sideOf(page, mine).locator("[data-testid=sheet]");
  await sheet.locator("[data-testid=edit-title]").fill(second);
  await page.keyboard.press("Tab");
  await sheet.locator("[data-testid=edit-status]").selectOption("blocked");
  await titled(page, other, second).waitFor();
  await sideOf(page, other).locator(`[data-card-id="${id}"][data-status=blocked]`).waitFor();
  seen.edited = await cardOf(page, other, id).innerText();

  await sheet.locator("[data-testid=comment-input]").fill("Blue ones");
  await sheet.locator("[data-testid=comment-send]").click();
  await sheet.locator("[data-testid=comment]").getByText("Blue ones").waitFor();
  await cardOf(page, other, id).locator(".talk").getByText("1", { exact: true }).waitFor();
  await picture(page, `edited-on-${mine}`);

  await sheet.locator("[data-testid=delete-card]").click();
  await cardOf(page, other, id).waitFor({ state: "detached" });
  await sheet.waitFor({ state: "hidden" });
  seen.left = await sideOf(page, other).locator(`[data-card-id="${id}"]`).count();
  return seen;
}

const lives = () => visit(async (page) => {
  await signIn(page, "grace", "nanosecond");
  return { native: await life(page, "native", "graphql"), graphql: await life(page, "graphql", "native") };
});

const chat = () => visit(async (page) => {
  await signIn(page, "grace", "nanosecond");
  const seen = {};
  for (const [side, other] of [["native", "graphql"], ["graphql", "native"]]) {
    const text = `Said through ${side}`;
    await sideOf(page, side).locator("[data-testid=chat-input]").fill(text);
    await sideOf(page, side).locator("[data-testid=chat-send]").click();
    const messages = sideOf(page, other).locator("[data-testid=message]");
    await messages.getByText(text).waitFor();
    await sideOf(page, side).locator("[data-testid=message]").getByText(text).waitFor();
    seen[other] = await messages.last().innerText();
  }
  return seen;
});

const signingIn = () => visit(async (page) => {
  const options = page.locator("[data-testid=board-choice] option");
  const seen = { visitor: { who: await page.locator("[data-testid=user]").textContent(), boards: await options.allTextContents() } };
  await signIn(page, "ada", "analytical");
  await options.nth(1).waitFor({ state: "attached" });
  seen.ada = { who: await page.locator("[data-testid=user]").textContent(), boards: await options.allTextContents() };
  await page.locator("[data-testid=board-choice]").selectOption({ label: seen.ada.boards.find((name) => /private/.test(name)) });
  for (const side of ["native", "graphql"]) await columnOf(page, side, "Someday").waitFor();
  await bothSidesAreLive(page);
  seen.private = { native: await read(page, "native"), graphql: await read(page, "graphql") };
  await picture(page, "private-board");
  await page.locator("[data-testid=sign-out]").click();
  await page.locator("[data-testid=user]").getByText("Visitor").waitFor();
  for (const side of ["native", "graphql"]) await columnOf(page, side, "Ideas").waitFor();
  seen.after = { boards: await options.allTextContents(), native: Object.keys(await read(page, "native")) };
  return seen;
});

const frames = () => visit(async (page) => {
  const seen = {};
  const card = columnOf(page, "native", "Doing").locator("[data-testid=card]").first();
  const id = await card.getAttribute("data-card-id");
  await drag(page, "native", id, "Done");
  await isFirst(page, id, "Done");
  for (const [side, what] of [["native", "cards move"], ["graphql", "cardActivity"]]) {
    const frame = sideOf(page, side).locator("[data-testid=frame]").filter({ hasText: what }).last();
    await frame.locator("summary").click();
    await frame.locator("pre").waitFor();
    seen[side] = JSON.parse(await frame.locator("pre").textContent());
  }
  await picture(page, "frames");
  await sideOf(page, "graphql").locator("[data-testid=history-button]").click();
  await sideOf(page, "graphql").locator("[data-testid=history] li").first().waitFor();
  seen.history = await sideOf(page, "graphql").locator("[data-testid=history] li").first().innerText();
  return { ...seen, id };
});

const phone = () => visit(async (page) => {
  const seen = {};
  await picture(page, "phone-top");
  seen.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const card = columnOf(page, "graphql", "Ideas").locator("[data-testid=card]").first();
  const id = await card.getAttribute("data-card-id");
  await card.scrollIntoViewIfNeeded();
  await card.locator("[data-testid=move-right]").tap();
  await isFirst(page, id, "Next");
  seen.native = (await read(page, "native")).Next[0];
  seen.graphql = (await read(page, "graphql")).Next[0];
  await picture(page, "phone-moved");
  await cardOf(page, "native", id).tap();
  await sideOf(page, "native").locator("[data-testid=comments]").waitFor({ state: "attached" });
  await sideOf(page, "native").locator("[data-testid=edit-title]").waitFor();
  await picture(page, "phone-card");
  return seen;
}, { viewport: PHONE, hasTouch: true, deviceScaleFactor: 2 });

await play({ moves, lives, chat, signingIn, frames, phone });
