// Writes the TypeScript types of the native frames: node native_types.mjs SCHEMA.json OUT.ts
//
// The published schema is about one frame. Generators begin at the root, so this one is given an
// object that names the whole vocabulary.

import { readFile, writeFile } from "node:fs/promises";

import { compile } from "json-schema-to-typescript";

const [source, target] = process.argv.slice(2);
const { title, $defs } = JSON.parse(await readFile(source, "utf8"));
const names = ["client_frame", "server_frame", "streams"];
const root = {
  title,
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])),
  $defs,
};
await writeFile(target, await compile(root, "Frames", { additionalProperties: false }));
