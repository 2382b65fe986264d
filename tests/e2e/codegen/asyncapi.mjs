// What the official parser finds in an AsyncAPI document: node asyncapi.mjs FILE prints a JSON list.

import { readFile } from "node:fs/promises";

import { Parser } from "@asyncapi/parser";

const SEVERITIES = ["error", "warning", "information", "hint"];

const text = await readFile(process.argv[2], "utf8");
const { document, diagnostics } = await new Parser().parse(text);
const said = diagnostics.map(({ severity, code, message, path }) => ({
  severity: SEVERITIES[severity], code, message, path: path.join("."),
}));
process.stdout.write(`${JSON.stringify({
  said,
  channels: document?.channels().all().map((channel) => channel.id()),
  operations: document?.operations().all().map((operation) => operation.id()),
})}\n`);
