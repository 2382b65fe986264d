// A GraphQL client of the board, typed by what graphql-codegen made of the published schema.
//
// HTTP for queries and mutations, graphql-transport-ws for the subscription. It prints one JSON
// document of what it saw.

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { graphql } from "../generated/gql/index.js";
import { ActivityDocument, ColumnsDocument, CreateCardDocument } from "../generated/operations.js";
import { BOARD_URL, COOKIE, finish, subscriptionsAre, within } from "./board.js";

const Move = graphql(`
  mutation Move($id: ID!, $column: Int!) {
    cardMove(id: $id, column: $column) { id column position }
  }
`);
const Rename = graphql(`
  mutation Rename($id: ID!, $data: CardPatchInput!) {
    cardPatch(id: $id, data: $data) { title status due }
  }
`);
const Remove = graphql(`mutation Remove($id: ID!) { cardDelete(id: $id) }`);

interface Answer<Result> {
  data: Result;
  errors?: { message: string }[];
}

async function ask<Result, Variables>(
  document: TypedDocumentNode<Result, Variables>, variables: Variables,
): Promise<Result> {
  const response = await within(
    fetch(`${BOARD_URL}/graphql/`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie: COOKIE },
      body: JSON.stringify({ query: print(document), variables }),
    }),
    "an answer",
  );
  const { data, errors } = (await response.json()) as Answer<Result>;
  if (errors) throw new Error(errors.map(({ message }) => message).join("; "));
  return data;
}

class Signed extends WebSocket {
  constructor(url: string, protocols: string | string[]) {
    super(url, protocols, { headers: { cookie: COOKIE } });
  }
}

function there<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error("nothing was answered");
  return value;
}

async function main() {
  const { columns } = await ask(ColumnsDocument, {});
  const [first, second] = there(columns).filter(({ board }) => board === there(columns)[0]?.board);
  const ideas = there(first);

  const socket = createClient({
    url: `${BOARD_URL.replace(/^http/, "ws")}/ws/`, webSocketImpl: Signed,
  });
  const events = socket.iterate({
    query: print(ActivityDocument), variables: { board: Number(ideas.board) },
  });
  const heard = events.next();
  await subscriptionsAre(1);

  const { cardCreate } = await ask(CreateCardDocument, {
    data: { column: ideas.id, title: "Wind the clock", estimate: "1.5", status: "AT_RISK" },
  });
  const card = there(cardCreate);
  const { value: event } = await within(heard, "the event of the new card");
  const { cardMove } = await ask(Move, { id: card.id, column: Number(there(second).id) });
  const { cardPatch } = await ask(Rename, { id: card.id, data: { title: "Oil the clock", due: null } });
  const { cardDelete } = await ask(Remove, { id: card.id });
  await events.return?.();
  await socket.dispose();
  return { card, event, moved: there(cardMove), patched: cardPatch, deleted: cardDelete, second };
}

await finish(main());
