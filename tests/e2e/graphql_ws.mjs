// graphql-ws, the client library of the protocol graphql-transport-ws.

import { createClient } from "graphql-ws";

import {
  Feed, Native, SOCKET_URL, healthIs, neighbour, play, signInAda, socketClass, within,
} from "./board.mjs";

const CARDS = "subscription Cards($board: Int!) { cardActivity(board: $board) { action id data { title } } }";
const RENAME = `mutation Rename($id: ID!, $title: String!) {
  cardPatch(id: $id, data: { title: $title }) { id title status estimate }
}`;

function connect(headers, options = {}) {
  const Socket = socketClass(headers);
  const heard = { connected: 0, protocols: new Set() };
  const client = createClient({
    url: SOCKET_URL,
    webSocketImpl: Socket,
    lazy: false,
    onNonLazyError: () => {},
    retryWait: () => Promise.resolve(),
    on: {
      connected: (socket) => {
        heard.connected += 1;
        heard.protocols.add(socket.protocol);
      },
    },
    ...options,
  });
  return { client, Socket, heard };
}

// A query or a mutation: its one result.
function run(client, query, variables) {
  return within(new Promise((resolve, reject) => {
    let result;
    client.subscribe({ query, variables }, {
      next: (value) => { result = value; },
      error: reject,
      complete: () => resolve(result),
    });
  }), query);
}

// A subscription: what it hears, how it ended, and what ends it.
function watch(client, query, variables) {
  const events = new Feed();
  const ends = new Feed();
  const dispose = client.subscribe({ query, variables }, {
    next: events.push,
    error: (error) => ends.push({ error: plain(error) }),
    complete: () => ends.push("complete"),
  });
  return { events, ends, dispose };
}

// Errors of the protocol are an array; of the socket, an event.
function plain(error) {
  return Array.isArray(error) ? error : { reason: error.reason ?? error.message, code: error.code };
}

async function oneSocket() {
  const { card, board, rename, leave } = await neighbour("Count the spoons");
  const { client, heard } = connect(await signInAda());
  const seen = {};
  seen.query = await run(client, "query One($id: ID!) { card(id: $id) { __typename id title status } }", {
    id: card.id,
  });
  const cards = watch(client, CARDS, { board });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  seen.mutation = await run(client, RENAME, { id: card.id, title: "Count the forks" });
  seen.own = await cards.events.take("the event of the mutation");
  await rename("Count the knives");
  seen.native = await cards.events.take("the event of the native change");
  cards.dispose();
  seen.ended = await cards.ends.take("the end of what was disposed");
  await client.dispose();
  await leave();
  return { ...seen, id: String(card.id), connected: heard.connected, protocols: [...heard.protocols] };
}

async function siblings() {
  const { board, card, rename, leave } = await neighbour("Oil the hinges");
  const { client } = connect();
  const first = watch(client, CARDS, { board });
  const second = watch(client, "subscription One($id: ID!) { cardChanged(id: $id) { id data { title } } }", {
    id: card.id,
  });
  await healthIs("two subscriptions", ({ subscriptions }) => subscriptions === 2);
  await rename("Oil the doors");
  const seen = {};
  seen.both = [await first.events.take("the first's event"), await second.events.take("the second's event")];
  first.dispose();
  await healthIs("one subscription less", ({ subscriptions }) => subscriptions === 1);
  await rename("Oil the gates");
  seen.second = await second.events.take("the second's next event");
  seen.first = first.events.items;
  second.dispose();
  const after = await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  await client.dispose();
  await leave();
  return { ...seen, connections: after.connections };
}

async function errors() {
  const native = await Native.connect(await signInAda());
  const hidden = (await native.get("boards", "list")).find((board) => !board.public);
  await native.close();
  const { client } = connect();
  const rejected = (query, variables) => run(client, query, variables).catch(plain);
  const seen = {};
  seen.syntax = await rejected("query {");
  seen.unknown = await rejected("{ card(id: 1) { colour } }");
  seen.missing = await rejected("{ card(id: 123456) { title } labels { name } }");
  seen.forbidden = await rejected(RENAME, { id: 1, title: "Mine" });
  const refused = watch(client, CARDS, { board: hidden.id });
  seen.refused = await refused.ends.take("the refusal of the subscription");
  seen.events = refused.events.items;
  seen.after = await run(client, "{ labels { name } }");
  await client.dispose();
  return seen;
}

async function reconnection() {
  const { board, rename, leave } = await neighbour("Wash the curtains");
  const { client, Socket, heard } = connect({}, { lazy: true });
  const cards = watch(client, CARDS, { board });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  await rename("Iron the curtains");
  const seen = { before: await cards.events.take("the event before") };
  Socket.sockets[0].terminate();
  await healthIs("subscribed anew", (now) => (
    Socket.sockets.length === 2 && now.subscriptions === 1 && now.connections === 2));
  await rename("Hang the curtains");
  seen.after = await cards.events.take("the event after");
  seen.ends = [...cards.ends.items];
  cards.dispose();
  await client.dispose();
  await leave();
  return { ...seen, connected: heard.connected };
}

// Every page of the history is one event, and then the subscription ends by itself.
async function pages() {
  const { board, rename, leave } = await neighbour("Number the keys");
  for (const title of ["Number the locks", "Number the doors", "Number the rooms"]) await rename(title);
  const { client } = connect();
  const query = `subscription History($board: ID!) {
    activitiesPages(limit: 7, filter: { board: $board }) { count offset results { verb subject } }
  }`;
  const parts = [];
  const results = client.iterate({ query, variables: { board } });
  for await (const { data } of results) parts.push(data.activitiesPages);
  await client.dispose();
  await leave();
  return parts;
}

await play({ oneSocket, siblings, errors, reconnection, pages });
