// Relay's network layer on the board: fetch for queries and mutations, graphql-ws for subscriptions.
// What is heard is written into the store, from which whoever watches a card has it.

import { createRequire } from "node:module";

import { createClient } from "graphql-ws";
import relay from "relay-runtime";

import {
  BOARD_URL, Feed, SOCKET_URL, healthIs, neighbour, play, socketClass, within,
} from "../board.mjs";

const {
  Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor,
  fetchQuery, requestSubscription,
} = relay;
const require = createRequire(import.meta.url);
const operation = (name) => require(`./generated/board/operations${name}.graphql.js`);
const CARD = operation("CardQuery");
const RENAME = operation("RenameMutation");
const ACTIVITY = operation("ActivitySubscription");

function connect(headers = {}) {
  const socket = createClient({ url: SOCKET_URL, webSocketImpl: socketClass(headers) });
  const ask = async ({ text, name }, variables) => {
    const response = await fetch(`${BOARD_URL}/graphql/`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return response.json();
  };
  const hear = ({ text, name }, variables) => Observable.create((sink) => (
    socket.subscribe({ query: text, operationName: name, variables }, sink)));
  const environment = new Environment({
    network: Network.create(ask, hear),
    store: new Store(new RecordSource()),
    // A card's event has the id of its card, and a card may have the id of a label.
    getDataID: ({ id }, type) => (id == null ? null : `${type}:${id}`),
  });
  return { environment, close: () => socket.dispose() };
}

function listen(environment, board) {
  const events = new Feed();
  const { dispose } = requestSubscription(environment, {
    subscription: ACTIVITY,
    variables: { board },
    onNext: ({ cardActivity }) => events.push(cardActivity),
    onError: (error) => events.push({ error: error.message ?? error.map(({ extensions }) => extensions.code) }),
    onCompleted: () => events.push("complete"),
  });
  return { events, dispose };
}

const rename = (environment, variables) => within(new Promise((resolve) => {
  commitMutation(environment, {
    mutation: RENAME,
    variables,
    onCompleted: (response, errors) => resolve({ title: response?.cardPatch?.title ?? null, errors }),
    onError: (error) => resolve({ error: error.source?.errors ?? error.message }),
  });
}), "the mutation");

async function oneStore() {
  const { headers, card, board, rename: renameNatively, leave } = await neighbour("Sort the stamps");
  const { environment, close } = connect(headers);
  const id = String(card.id);
  const seen = { query: await within(fetchQuery(environment, CARD, { id }).toPromise(), "the card") };
  const shown = createOperationDescriptor(CARD, { id });
  const retained = environment.retain(shown);
  const titles = new Feed();
  const { dispose: unwatch } = environment.subscribe(environment.lookup(shown.fragment), ({ data }) => {
    titles.push(data.card.title);
  });
  const cards = listen(environment, board);
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  seen.mutation = await rename(environment, { id, title: "Sort the coins" });
  seen.own = await cards.events.take("the event of the mutation");
  seen.written = await titles.take("the title of the mutation");
  await renameNatively("Sort the shells");
  seen.native = await cards.events.take("the event of the native change");
  seen.heard = await titles.take("the title of the event", (title) => title === "Sort the shells");
  cards.dispose();
  await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  await renameNatively("Sort nothing");
  seen.rest = cards.events.items;
  unwatch();
  retained.dispose();
  await close();
  await leave();
  return { ...seen, id };
}

async function errors() {
  const { card, hidden, leave } = await neighbour("Look away");
  const { environment, close } = connect();
  const seen = { mutation: await rename(environment, { id: String(card.id), title: "Mine" }) };
  const refused = listen(environment, hidden);
  seen.refused = await refused.events.take("the refusal");
  await close();
  await leave();
  return seen;
}

await play({ oneStore, errors });
