// Apollo Client, whose HttpLink alone carries everything: subscriptions in parts of one body.

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";

import { Feed, Native, healthIs, library, play, signInAda } from "../board.mjs";

const CARDS = gql`subscription Cards($board: Int!) { cardActivity(board: $board) { action data { id title } } }`;

async function subscription() {
  const native = await Native.connect(await signInAda());
  const { board, columns } = await library(native);
  const client = new ApolloClient({
    link: new HttpLink({ uri: `${process.env.BOARD_URL}/graphql/` }), cache: new InMemoryCache(),
  });
  const events = new Feed();
  const heard = client.subscribe({ query: CARDS, variables: { board } }).subscribe({
    next: events.push, error: (error) => events.push({ error: String(error) }),
  });
  await healthIs("one subscription", ({ subscriptions }) => subscriptions === 1);
  const card = await native.get("cards", "create", { data: { column: columns.Ideas, title: "Wind the clock" } });
  const seen = { event: (await events.take("the event")).data?.cardActivity };
  heard.unsubscribe();
  await healthIs("none left", ({ subscriptions }) => subscriptions === 0);
  await native.get("cards", "delete", { pk: card.id });
  await native.close();
  client.stop();
  return seen;
}

async function refusal() {
  const native = await Native.connect(await signInAda());
  const hidden = (await native.get("boards", "list")).find((board) => !board.public);
  await native.close();
  const client = new ApolloClient({
    link: new HttpLink({ uri: `${process.env.BOARD_URL}/graphql/` }), cache: new InMemoryCache(),
  });
  const results = new Feed();
  client.subscribe({ query: CARDS, variables: { board: hidden.id } }).subscribe({
    next: ({ error }) => results.push(error?.errors?.map(({ extensions }) => extensions.code)),
    error: (error) => results.push(String(error)),
    complete: () => results.push("complete"),
  });
  return { codes: await results.take("the refusal"), end: await results.take("the end") };
}

await play({ subscription, refusal });
