// Nothing but a WebSocket and JSON: the wire format of channelsmultiplexer, and what is none.

import { Feed, Native, SOCKET_URL, healthIs, library, play, signInAda, socketClass } from "./board.mjs";

const isReplyTo = (id) => ({ payload }) => payload.request_id === id;

async function streams() {
  const native = await Native.connect(await signInAda());
  const ids = [
    native.send("boards", "list"), native.send("labels", "list"), native.send("cards", "list", { limit: 1 }),
  ];
  const frames = [];
  while (frames.length < ids.length) frames.push(await native.frames.take("a reply"));
  await native.close();
  return { ids, frames, protocol: native.socket.protocol };
}

async function activity() {
  const native = await Native.connect(await signInAda());
  const visitor = await Native.connect();
  const { board, columns } = await library(native);
  const subscribed = visitor.send("cards", "subscribe_card_activity", { board });
  const seen = { subscribed: await visitor.frames.take("the acknowledgement", isReplyTo(subscribed)) };
  const event = (what) => visitor.frames.take(what, isReplyTo(subscribed));
  const card = await native.get("cards", "create", { data: { column: columns.Done, title: "Ring twice" } });
  seen.create = await event("the creation");
  await native.get("cards", "patch", { pk: card.id, data: { estimate: "2.5" } });
  seen.update = await event("the update");
  await native.get("cards", "delete", { pk: card.id });
  seen.delete = await event("the deletion");
  // Under the subscription's request_id, as upstream has it.
  await visitor.get("cards", "unsubscribe_card_activity", { board, request_id: subscribed });
  seen.after = await healthIs("no subscription", ({ subscriptions }) => subscriptions === 0);
  await visitor.close();
  await native.close();
  return { ...seen, subscribedAs: subscribed, id: card.id };
}

async function chat() {
  const ada = await Native.connect(await signInAda());
  const visitor = await Native.connect();
  const { board } = await library(ada);
  const joined = visitor.send("chat", "join", { board });
  await visitor.frames.take("the acknowledgement", isReplyTo(joined));
  const posted = await ada.call("chat", "post", { board, text: "Tea at four?" });
  const heard = await visitor.frames.take("the message", isReplyTo(joined));
  const refused = await visitor.call("chat", "post", { board, text: "Me too" });
  await visitor.close();
  await ada.close();
  return { posted, heard, refused };
}

// Whatever is sent gets an answer, and the next frame on the same socket works.
async function nonsense() {
  const native = await Native.connect();
  const said = {
    text: "this is no JSON",
    bytes: Buffer.from([0xff, 0x00, 0xfe]),
    list: "[1, 2, 3]",
    bare: JSON.stringify({ action: "list", request_id: 7 }),
    stream: JSON.stringify({ stream: "shelves", payload: { action: "list", request_id: 8 } }),
    action: JSON.stringify({ stream: "cards", payload: { action: "shred", request_id: 9 } }),
    argument: JSON.stringify({ stream: "cards", payload: { action: "move", request_id: 10, pk: 1 } }),
    type: JSON.stringify({
      stream: "cards", payload: { action: "move", request_id: 11, pk: 1, column: "left" },
    }),
    long: "x".repeat(1_000_000),
  };
  const seen = {};
  for (const [name, message] of Object.entries(said)) {
    native.socket.send(message);
    const answer = await native.frames.take(`an answer to ${name}`);
    const labels = await native.get("labels", "list");
    seen[name] = { answer, after: labels.length };
  }
  await native.close();
  return seen;
}

// Three wire protocols at once on one board: each hears what the others do.
async function neighbours() {
  const { createClient } = await import("graphql-ws");
  const headers = await signInAda();
  const native = await Native.connect(headers);
  const { board, columns } = await library(native);
  const subscribed = native.send("cards", "subscribe_card_activity", { board });
  await native.frames.take("the acknowledgement", isReplyTo(subscribed));
  const graphql = createClient({ url: SOCKET_URL, webSocketImpl: socketClass(headers) });
  const events = new Feed();
  const leave = graphql.subscribe(
    {
      query: "subscription ($board: Int!) { cardActivity(board: $board) { action id data { title } } }",
      variables: { board },
    },
    { next: events.push, error: (error) => events.push({ error }), complete: () => {} },
  );
  await healthIs("two subscriptions", ({ subscriptions }) => subscriptions === 2);
  const created = [];
  graphql.subscribe(
    {
      query: "mutation ($data: CardInput!) { cardCreate(data: $data) { id title } }",
      variables: { data: { column: String(columns.Doing), title: "Air the attic" } },
    },
    { next: (result) => created.push(result), error: events.push, complete: () => {} },
  );
  const seen = { native: await native.frames.take("the GraphQL client's card", isReplyTo(subscribed)) };
  seen.own = await events.take("its own card");
  native.send("cards", "delete", { pk: seen.native.payload.data.id });
  seen.graphql = await events.take("the native client's deletion");
  leave();
  await graphql.dispose();
  await native.close();
  return { ...seen, created };
}

await play({ streams, activity, chat, nonsense, neighbours });
