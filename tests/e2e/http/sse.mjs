// graphql-sse, the client library of its protocol, in the distinct connections mode.

import { createClient } from "graphql-sse";

import { Feed, Native, healthIs, library, neighbour, play, signInAda } from "../board.mjs";

const URL = `${process.env.BOARD_URL}/graphql/`;
const CARDS = "subscription Cards($board: Int!) { cardActivity(board: $board) { action data { title } } }";

function watch(client, request) {
  const events = new Feed();
  const ends = new Feed();
  const dispose = client.subscribe(request, {
    next: events.push,
    error: (error) => ends.push({ error: String(error) }),
    complete: () => ends.push("complete"),
  });
  return { events, ends, dispose };
}

async function subscription() {
  const native = await Native.connect(await signInAda());
  const { board, columns } = await library(native);
  const client = createClient({ url: URL, retryAttempts: 0 });
  const cards = watch(client, { query: CARDS, variables: { board } });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  const card = await native.get("cards", "create", { data: { column: columns.Ideas, title: "Air the attic" } });
  const seen = { event: await cards.events.take("the event") };
  cards.dispose();
  await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  await native.get("cards", "delete", { pk: card.id });
  await native.close();
  return seen;
}

async function queries() {
  const { headers, card, leave } = await neighbour("Wind the wool");
  const own = createClient({ url: URL, retryAttempts: 0, headers });
  const renamed = watch(own, {
    query: "mutation ($id: ID!) { cardPatch(id: $id, data: { title: \"Wind the string\" }) { title } }",
    variables: { id: String(card.id) },
  });
  const mutation = await renamed.events.take("the mutation's result");
  await renamed.ends.take("the mutation's end");
  await leave();
  const client = createClient({ url: URL, retryAttempts: 0 });
  const labels = watch(client, { query: "{ labels { name } }" });
  const seen = { mutation, result: await labels.events.take("the result"), end: await labels.ends.take("the end") };
  const wrong = watch(client, { query: "{ nothing }" });
  seen.errors = (await wrong.events.take("the errors")).errors;
  seen.after = await wrong.ends.take("the end of the wrong one");
  return seen;
}

await play({ subscription, queries });
