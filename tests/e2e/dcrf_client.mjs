// dcrf-client, the client of upstream's consumers, on the router's socket.

import { createRequire } from "node:module";

import { Feed, Native, SOCKET_URL, library, play, signInAda, socketClass, within } from "./board.mjs";

const dcrf = createRequire(import.meta.url)("dcrf-client").default;

// The board's serializers call the key `id`.
function connect(headers) {
  const Socket = socketClass(headers);
  const client = dcrf.connect(SOCKET_URL, {
    pkField: "id",
    websocket: { WebSocket: Socket, minReconnectionDelay: 1, maxReconnectionDelay: 50 },
  });
  return { client, Socket };
}

async function asAda() {
  const headers = await signInAda();
  const native = await Native.connect(headers);
  const places = await library(native);
  await native.close();
  return { ...connect(headers), ...places, headers };
}

// What a promise is rejected with.
async function refusal(promise) {
  try {
    const data = await within(promise, "a refusal");
    return { accepted: data };
  } catch (error) {
    return error;
  }
}

async function everyAction() {
  const { client, board, columns } = await asAda();
  const seen = {};
  seen.created = await client.create("cards", { column: columns.Ideas, title: "Lend umbrellas" });
  const { id } = seen.created;
  const page = await client.list("cards");
  seen.listed = { keys: Object.keys(page), card: page.results.find((card) => card.id === id) };
  seen.next = page.results.filter((card) => card.column === columns.Next).length;
  seen.labels = (await client.list("labels")).map((label) => label.name);
  seen.retrieved = await client.retrieve("cards", id);
  seen.updated = await client.update("cards", id, {
    column: columns.Next, title: "Lend sun hats", estimate: "1.5",
  });
  seen.patched = await client.patch("cards", id, { status: "blocked" });
  seen.moved = await client.request("cards", {
    action: "move", pk: id, column: columns.Done, position: 0,
  });
  seen.deleted = await client.delete("cards", id);
  seen.gone = await refusal(client.retrieve("cards", id));
  client.close();
  return { ...seen, board, columns };
}

async function refusals() {
  const { client, columns } = await asAda();
  const seen = {
    missing: await refusal(client.retrieve("cards", 123456)),
    invalid: await refusal(client.create("cards", { title: "Nowhere", estimate: "many" })),
    action: await refusal(client.request("cards", { action: "shred", pk: 1 })),
    stream: await refusal(client.list("shelves")),
  };
  seen.after = (await client.list("labels")).length;
  client.close();
  const { client: visitor } = connect();
  seen.visitor = await refusal(visitor.create("cards", { column: columns.Ideas, title: "Mine" }));
  visitor.close();
  return seen;
}

async function subscription() {
  const { client: writer, columns } = await asAda();
  const { client: reader } = connect();
  const card = await writer.create("cards", { column: columns.Ideas, title: "Plant a tree" });
  const other = await writer.create("cards", { column: columns.Ideas, title: "Plant a hedge" });
  const heard = new Feed();
  const cancelled = new Feed();
  await reader.subscribe("cards", card.id, (data, action) => heard.push({ action, data }));
  const second = reader.subscribe("cards", card.id, (data, action) => cancelled.push({ action, data }));
  await second;
  const seen = {};
  await writer.patch("cards", other.id, { title: "Plant two hedges" });
  await writer.patch("cards", card.id, { title: "Plant two trees" });
  seen.update = await heard.take("the update");
  seen.second = await cancelled.take("the update of the second subscription");
  second.cancel();
  await writer.delete("cards", card.id);
  seen.delete = await heard.take("the deletion");
  await writer.delete("cards", other.id);
  reader.close();
  writer.close();
  return { ...seen, id: card.id, rest: heard.items, cancelled: cancelled.items };
}

async function reconnection() {
  const { client: writer, columns } = await asAda();
  const { client: reader, Socket } = connect();
  const card = await writer.create("cards", { column: columns.Ideas, title: "Mend the clock" });
  const heard = new Feed();
  const frames = new Feed();
  const subscribed = ({ payload }) => payload.action === "subscribe_instance";
  reader.transport.on("message", ({ data }) => frames.push(JSON.parse(data)));
  await reader.subscribe("cards", card.id, (data, action) => heard.push({ action, data }));
  await frames.take("the reply to the subscription", subscribed);
  Socket.sockets[0].terminate();
  const again = await frames.take("the reply to the subscription made anew", subscribed);
  await writer.patch("cards", card.id, { title: "Wind the clock" });
  const update = await heard.take("the update after the reconnection");
  await writer.delete("cards", card.id);
  await heard.take("the deletion");
  reader.close();
  writer.close();
  return { sockets: Socket.sockets.length, status: again.payload.response_status, update };
}

await play({ everyAction, refusals, subscription, reconnection });
