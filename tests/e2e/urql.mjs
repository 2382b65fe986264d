// urql: queries and mutations over HTTP, subscriptions over graphql-ws or, with nothing but itself,
// in the body of a request.

import { Client, cacheExchange, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";

import { BOARD_URL, Feed, SOCKET_URL, healthIs, neighbour, play, socketClass } from "./board.mjs";

const CARD = "query Card($id: ID!) { card(id: $id) { id title } }";
const CARDS = "subscription Cards($board: Int!) { cardActivity(board: $board) { action id data { id title } } }";
const RENAME = `mutation Rename($id: ID!, $title: String!) {
  cardPatch(id: $id, data: { title: $title }) { id title }
}`;

function connect(headers = {}, overSocket = true) {
  const socket = createClient({ url: SOCKET_URL, webSocketImpl: socketClass(headers) });
  const requests = [];
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  });
  const client = new Client({
    url: `${BOARD_URL}/graphql/`,
    preferGetMethod: false,
    fetchOptions: { headers },
    fetch: (url, options) => {
      requests.push(options.headers.accept);
      return fetch(url, options);
    },
    fetchSubscriptions: !overSocket,
    exchanges: [
      cacheExchange, ...(overSocket ? [subscriptionExchange({ forwardSubscription })] : []), fetchExchange,
    ],
  });
  return { client, requests, close: () => socket.dispose() };
}

const plain = ({ data, error }) => ({
  data: data ?? null, codes: error?.graphQLErrors.map(({ extensions }) => extensions.code) ?? [],
});

async function everything(overSocket) {
  const { headers, board, hidden, card, rename, leave } = await neighbour("Chase the cat");
  const { client, requests, close } = connect(headers, overSocket);
  const id = String(card.id);
  const shown = new Feed();
  // The cache asks again once a mutation has named the type.
  const { unsubscribe: hide } = client.query(CARD, { id }).subscribe(({ data }) => {
    if (data) shown.push(data.card.title);
  });
  const seen = { first: await shown.take("the card") };
  const events = new Feed();
  const { unsubscribe } = client.subscription(CARDS, { board }).subscribe((result) => events.push(plain(result)));
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  seen.mutation = plain(await client.mutation(RENAME, { id, title: "Chase the dog" }));
  seen.own = await events.take("the event of the mutation");
  seen.again = await shown.take("the card, asked again", (title) => title === "Chase the dog");
  await rename("Chase the bird");
  seen.native = await events.take("the event of the native change");
  unsubscribe();
  hide();
  await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  seen.error = plain(await client.query("{ card(id: 123456) { id } labels { name } }", {}));
  seen.invalid = plain(await client.query("{ colour }", {}));
  const refused = new Feed();
  const { unsubscribe: stop } = client.subscription(CARDS, { board: hidden + 1000 })
    .subscribe((result) => refused.push(plain(result)));
  seen.refused = await refused.take("the refusal");
  stop();
  await close();
  await leave();
  return { ...seen, id, accept: requests[0] };
}

await play({ overSocket: () => everything(true), overHttp: () => everything(false) });
