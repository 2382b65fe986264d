// subscriptions-transport-ws, the client library of the older subprotocol graphql-ws.

import { createRequire } from "node:module";

import {
  Feed, SOCKET_URL, healthIs, neighbour, play, socketClass, within,
} from "./board.mjs";

const { SubscriptionClient } = createRequire(import.meta.url)("subscriptions-transport-ws");

const CARDS = "subscription Cards($board: Int!) { cardActivity(board: $board) { action id data { title } } }";
const RENAME = `mutation Rename($id: ID!, $title: String!) {
  cardPatch(id: $id, data: { title: $title }) { id title }
}`;

function connect(headers = {}, options = {}) {
  const Socket = socketClass(headers);
  const heard = new Feed();
  const client = new SubscriptionClient(SOCKET_URL, { minTimeout: 5000, ...options }, Socket);
  for (const name of ["connected", "reconnected", "disconnected", "error"]) {
    client.on(name, (detail) => heard.push({ name, detail: detail?.message }));
  }
  return { client, Socket, heard };
}

function watch(client, query, variables) {
  const events = new Feed();
  const ends = new Feed();
  const { unsubscribe } = client.request({ query, variables }).subscribe({
    next: events.push,
    error: (error) => ends.push({ error: error.errors ?? [{ message: error.message, extensions: error.extensions }] }),
    complete: () => ends.push("complete"),
  });
  return { events, ends, unsubscribe };
}

async function run(client, query, variables) {
  const { events, ends } = watch(client, query, variables);
  await within(ends.take("the end"), query);
  return events.items[0];
}

async function oneSocket() {
  const { headers, card, board, rename, leave } = await neighbour("Polish the brass");
  const { client, Socket } = connect(headers);
  const seen = { query: await run(client, "query One($id: ID!) { card(id: $id) { title } }", { id: card.id }) };
  const cards = watch(client, CARDS, { board });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  seen.mutation = await run(client, RENAME, { id: card.id, title: "Polish the silver" });
  seen.own = await cards.events.take("the event of the mutation");
  await rename("Polish the gold");
  seen.native = await cards.events.take("the event of the native change");
  cards.unsubscribe();
  await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  await rename("Polish nothing");
  seen.after = await run(client, "{ labels { name } }");
  seen.rest = cards.events.items;
  seen.protocol = Socket.sockets[0].protocol;
  client.close();
  await leave();
  return { ...seen, id: String(card.id) };
}

async function errors() {
  const { hidden, leave } = await neighbour("Never mind");
  const { client } = connect();
  const seen = {};
  for (const [name, query, variables] of [
    ["unknown", "{ card(id: 1) { colour } }"],
    ["forbidden", RENAME, { id: "1", title: "Mine" }],
    ["refused", CARDS, { board: hidden }],
  ]) {
    const { events, ends } = watch(client, query, variables);
    seen[name] = { end: await ends.take(name), events: events.items };
  }
  seen.after = await run(client, "{ labels { name } }");
  client.close();
  await leave();
  return seen;
}

// It counts on signs of life from the first that it hears, which comes with the acknowledgement.
async function reconnection() {
  const { headers, board, rename, leave } = await neighbour("Air the rooms");
  const { client, Socket, heard } = connect(headers, { reconnect: true });
  const cards = watch(client, CARDS, { board });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  Socket.sockets[0].terminate();
  await heard.take("a new connection", ({ name }) => name === "reconnected");
  await healthIs("subscribed anew", ({ subscriptions, connections }) => subscriptions === 1 && connections === 2);
  await rename("Air the halls");
  const seen = { event: await cards.events.take("the event after") };
  cards.unsubscribe();
  client.close();
  await leave();
  return { ...seen, sockets: Socket.sockets.length };
}

await play({ oneSocket, errors, reconnection });
