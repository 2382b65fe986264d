// What an application does with the typed native client. It prints one JSON document of what it saw.

import type { Card } from "../generated/frames.js";
import { BOARD_URL, COOKIE, finish } from "./board.js";
import { Native, Refused } from "./native.js";

async function main() {
  const native = await Native.connect(`${BOARD_URL.replace(/^http/, "ws")}/ws/`, COOKIE);
  const columns = (await native.call("columns", "list", {})).data;
  const [first, second] = columns.filter(({ board }) => board === columns[0]?.board);
  if (!first || !second) throw new Error("there are no two columns");

  const activity = await native.watch("cards", "subscribe_card_activity", { board: first.board });
  const created = await native.call("cards", "create", {
    data: { column: first.id, title: "Wind the clock", estimate: "1.5", status: "at-risk" },
  });
  const card: Card = created.data;
  const event = await activity.next();
  const row = await native.watch("cards", "subscribe_instance", { pk: card.id });
  const moved = (await native.call("cards", "move", { pk: card.id, column: second.id })).data;
  const changed = await row.next();
  const found = (await native.call("cards", "list", { limit: 1, query: { search: card.title } })).data;
  const deleted = await native.call("cards", "delete", { pk: card.id });
  const gone = await row.next();
  const refused = await native.call("cards", "retrieve", { pk: card.id }).catch((error: unknown) => {
    if (error instanceof Refused) return error.frame;
    throw error;
  });
  await native.close();
  return { created, event, moved, changed, found, deleted, gone, refused, second };
}

await finish(main());
