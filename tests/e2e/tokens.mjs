// graphql-ws from npm with tokens: what it does when they expire, are renewed, refused or revoked.

import { createClient } from "graphql-ws";

import { BOARD_URL, Feed, SOCKET_URL, play, socketClass, within } from "./board.mjs";

const ME = "{ users { username } }";
const CARDS = "subscription { cardActivity(board: 2) { action } }";

async function given(path) {
  const answer = await fetch(`${BOARD_URL}${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()).authorization;
}

function connect(connectionParams, options = {}) {
  const closed = new Feed();
  const acks = new Feed();
  const heard = { sockets: [], pongs: new Feed() };
  const client = createClient({
    url: SOCKET_URL,
    webSocketImpl: socketClass(),
    lazy: false,
    onNonLazyError: () => {},
    retryWait: () => Promise.resolve(),
    connectionParams,
    ...options,
    on: {
      opened: (socket) => {
        heard.sockets.push(socket);
      },
      connected: (_, payload) => acks.push(payload ?? null),
      pong: (received, payload) => {
        if (received && payload) heard.pongs.push(payload);
      },
      closed: ({ code, reason }) => closed.push({ code, reason: String(reason) }),
    },
  });
  return { client, closed, acks, ...heard };
}

function run(client, query) {
  return within(new Promise((resolve, reject) => {
    let result;
    client.subscribe({ query }, {
      next: (value) => { result = value; },
      error: reject,
      complete: () => resolve(result),
    });
  }), query);
}

// The first token holds for two seconds; the client comes back with the next one by itself.
async function expiry() {
  let asked = 0;
  const { client, closed, acks } = connect(async () => {
    asked += 1;
    return { Authorization: await given(`/jwt/?user=ada&seconds=${asked === 1 ? 2 : 300}`) };
  });
  const first = await acks.take("the first acknowledgement");
  const ends = new Feed();
  client.subscribe({ query: CARDS }, { next() {}, error: ends.push, complete: () => ends.push("complete") });
  const end = await closed.take("the end of the first socket");
  const second = await acks.take("the second acknowledgement");
  const users = await run(client, ME);
  await client.dispose();
  return { end, asked, until: [typeof first.expires, typeof second.expires], users };
}

// New credentials on the open socket: it outlives the token that it came with.
async function renewal() {
  const { client, closed, acks, sockets, pongs } = connect(async () => ({
    Authorization: await given("/jwt/?user=ada&seconds=2"),
  }));
  const before = (await acks.take("the acknowledgement")).expires;
  const shown = (authorization) => sockets[0].send(JSON.stringify({
    type: "ping", payload: { authenticate: { Authorization: authorization } },
  }));
  shown("Bearer of nothing");
  const refused = await pongs.take("the pong of the refusal");
  shown(await given("/jwt/?user=ada&seconds=300"));
  const granted = await pongs.take("the pong of the grant");
  const left = Date.parse(before) - Date.now();
  await new Promise((resolve) => { setTimeout(resolve, left + 500); });
  const users = await run(client, ME);
  const ended = closed.items.length;
  await client.dispose();
  return {
    refused: refused.authenticate.errors.map(({ extensions }) => extensions.code),
    later: Date.parse(granted.authenticate.expires) > Date.parse(before),
    users,
    ended,
  };
}

async function refused() {
  const { closed } = connect({ Authorization: "Token of-nobody" }, { retryAttempts: 0 });
  return closed.take("the end");
}

async function revoked() {
  const { client, closed, acks } = connect(
    async () => ({ headers: { authorization: await given("/token/?user=ada") } }),
    { retryAttempts: 0 },
  );
  await acks.take("the acknowledgement");
  await run(client, ME);
  await given("/revoke/?user=ada");
  return closed.take("the end");
}

await play({ expiry, renewal, refused, revoked });
