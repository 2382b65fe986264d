// Apollo Client 4 as applications set it up: HTTP for queries and mutations, graphql-ws for
// subscriptions, one normalized cache. The native neighbour is dcrf-client.

import { createRequire } from "node:module";

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";

import {
  BOARD_URL, Feed, Native, SOCKET_URL, healthIs, library, play, signInAda, socketClass, within,
} from "./board.mjs";

// GraphQLWsLink asks for the browser's class when it is told of an error; Node 20 has none.
globalThis.WebSocket ??= socketClass();

const dcrf = createRequire(import.meta.url)("dcrf-client").default;

const CARD = gql`query Card($id: ID!) { card(id: $id) { id title status labels { id name } } }`;
const IDEAS = gql`query Ideas($filter: CardFilter) { cards(filter: $filter) { count results { id title } } }`;
const ACTIVITY = gql`subscription Activity($board: Int!) {
  cardActivity(board: $board) { action id data { id title status labels { id name } } }
}`;
const RENAME = gql`mutation Rename($id: ID!, $title: String!) {
  cardPatch(id: $id, data: { title: $title }) { id title }
}`;
const CREATE = gql`mutation Create($data: CardInput!) { cardCreate(data: $data) { id title } }`;

function connect(headers = {}) {
  const requests = [];
  const counted = (url, options) => {
    requests.push(JSON.parse(options.body).operationName);
    return fetch(url, options);
  };
  const http = new HttpLink({ uri: `${BOARD_URL}/graphql/`, headers, fetch: counted });
  const socket = createClient({ url: SOCKET_URL, webSocketImpl: socketClass(headers) });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === "subscription", new GraphQLWsLink(socket), http,
    ),
  });
  const close = async () => {
    client.stop();
    await socket.dispose();
  };
  return { client, requests, close };
}

function watch(client, query, variables) {
  const results = new Feed();
  const watched = client.watchQuery({ query, variables }).subscribe(({ data, dataState }) => {
    if (dataState === "complete") results.push(data);
  });
  return { results, stop: () => watched.unsubscribe() };
}

// What an application does with the events: the cache takes changed cards by itself; what is
// deleted is evicted.
function listen(client, board) {
  const events = new Feed();
  const subscribed = client.subscribe({ query: ACTIVITY, variables: { board } }).subscribe({
    next: ({ data, error }) => {
      if (error) return events.push({ error: plain(error) });
      const { action, id } = data.cardActivity;
      if (action === "DELETE") {
        client.cache.evict({ id: client.cache.identify({ __typename: "Card", id }) });
        client.cache.gc();
      }
      events.push(data.cardActivity);
    },
    error: (error) => events.push({ error: plain(error) }),
  });
  return { events, stop: () => subscribed.unsubscribe() };
}

function plain(error) {
  return CombinedGraphQLErrors.is(error)
    ? error.errors.map(({ message, path, extensions }) => ({ message, path, extensions }))
    : { unexpected: `${error.name}: ${error.message}` };
}

async function neighbour(title) {
  const headers = await signInAda();
  const native = await Native.connect(headers);
  const { board, columns } = await library(native);
  const hidden = (await native.get("boards", "list")).find((row) => !row.public).id;
  await native.close();
  const client = dcrf.connect(SOCKET_URL, {
    pkField: "id", websocket: { WebSocket: socketClass(headers) },
  });
  const card = await within(client.create("cards", { column: columns.Ideas, title }), "the card");
  return { headers, board, hidden, columns, card, native: client };
}

async function cache() {
  const { board, columns, card, native, headers } = await neighbour("Buy a globe");
  const { client, requests, close } = connect(headers);
  const labels = await native.list("labels");
  const one = watch(client, CARD, { id: String(card.id) });
  const ideas = watch(client, IDEAS, { filter: { column: String(columns.Ideas) } });
  const seen = { first: await one.results.take("the card") };
  seen.listed = await ideas.results.take("the cards of the column");
  const { events, stop } = listen(client, board);
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);

  await native.patch("cards", card.id, {
    title: "Buy an atlas", status: "blocked", label_ids: [labels[0].id, labels[1].id],
  });
  seen.event = await events.take("the event of the native change", ({ action }) => action === "UPDATE");
  seen.changed = await one.results.take(
    "the card as the native client changed it",
    ({ card: { title, labels: { length } } }) => title === "Buy an atlas" && length === 2,
  );
  seen.relisted = await ideas.results.take("the list with the new title", ({ cards }) => (
    cards.results.some(({ title }) => title === "Buy an atlas")));
  const cached = client.cache.extract();
  seen.key = client.cache.identify(seen.event.data);
  seen.entity = cached[seen.key];
  seen.requests = [...requests];

  // Whoever still watches a card that is gone would ask for it anew.
  one.stop();
  await native.delete("cards", card.id);
  seen.deletion = await events.take("the deletion", ({ action }) => action === "DELETE");
  seen.left = await ideas.results.take("the list without the card", ({ cards }) => (
    cards.results.every(({ id }) => id !== String(card.id))));
  seen.requestsAfter = requests;
  stop();
  ideas.stop();
  await close();
  native.close();
  return { ...seen, id: String(card.id) };
}

async function optimism() {
  const { card, native, headers } = await neighbour("Wax the floor");
  const { client, requests, close } = connect(headers);
  const id = String(card.id);
  const one = watch(client, CARD, { id });
  await one.results.take("the card");
  const titles = [];
  const rename = (title, optimistic) => client.mutate({
    mutation: RENAME,
    variables: { id, title },
    optimisticResponse: { cardPatch: { __typename: "Card", id, title: optimistic } },
  });
  const renamed = rename("Wax the stairs", "Wax the stairs, soon");
  titles.push((await one.results.take("the optimistic title")).card.title);
  const { data } = await within(renamed, "the mutation");
  titles.push((await one.results.take("the server's title")).card.title);
  const refused = await rename("", "No title, soon").then(({ error }) => error, plain);
  titles.push((await one.results.take("the optimistic title of the refused mutation")).card.title);
  titles.push((await one.results.take("the title put back")).card.title);
  one.stop();
  await close();
  await native.delete("cards", card.id);
  native.close();
  return { titles, data, refused, requests };
}

async function errors() {
  const { board, hidden, columns, card, native, headers } = await neighbour("Fix the bell");
  const { client: visitor, close: closeVisitor } = connect();
  const { client: ada, close: closeAda } = connect(headers);
  const rejected = (client, options) => (
    within(client[options.mutation ? "mutate" : "query"](options), "an answer").then(({ data }) => ({ data }), plain));
  const create = (client, data) => rejected(client, { mutation: CREATE, variables: { data } });
  const seen = {
    visitor: await create(visitor, { column: columns.Ideas, title: "Mine" }),
    fields: await create(ada, { column: columns.Ideas, title: "Odd", estimate: "12345.67" }),
    missing: await rejected(ada, { query: CARD, variables: { id: "123456" } }),
    invalid: await rejected(ada, { query: gql`query Colour { card(id: 1) { colour } }` }),
  };
  const partial = await visitor.query({
    query: gql`query Both { card(id: 123456) { id } labels { id } }`, errorPolicy: "all",
  });
  seen.partial = { labels: partial.data.labels.length, card: partial.data.card, error: plain(partial.error) };
  const refused = listen(visitor, hidden);
  seen.refused = await refused.events.take("the refusal of the subscription");
  const open = listen(visitor, board);
  await healthIs("the other subscription", ({ subscriptions }) => subscriptions === 1);
  await native.patch("cards", card.id, { title: "Ring the bell" });
  seen.open = await open.events.take("the event of the other subscription");
  open.stop();
  refused.stop();
  await closeVisitor();
  await closeAda();
  await native.delete("cards", card.id);
  native.close();
  return seen;
}

await play({ cache, optimism, errors });
