// What every client program needs: where the board is, who signs in, and waiting with a bound.
//
// A program is `node <program>.mjs <scenario>`: it prints one JSON document of what it saw, and ends
// by itself once its sockets are closed. Whatever goes wrong ends it with a code and a sentence.

import WebSocket from "ws";

export const BOARD_URL = process.env.BOARD_URL;
export const SOCKET_URL = `${BOARD_URL.replace(/^http/, "ws")}${process.env.SOCKET_PATH ?? "/ws/"}`;

const EVENT = 15_000; // milliseconds until what should happen has not
const SCENARIO = 80_000;

export async function play(scenarios) {
  const name = process.argv[2];
  if (!scenarios[name]) throw new Error(`no scenario ${name}: ${Object.keys(scenarios).join(", ")}`);
  try {
    const seen = await within(scenarios[name](), `the scenario ${name}`, SCENARIO);
    process.stdout.write(`${JSON.stringify(seen)}\n`);
  } catch (error) {
    console.error(error instanceof Error ? error : JSON.stringify(error, null, 2));
    process.exit(1);
  }
}

export function within(promise, what, limit = EVENT) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limit} ms`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// What is heard, in order; each item is taken once.
export class Feed {
  items = [];
  #waiting = new Set();

  push = (item) => {
    this.items.push(item);
    for (const look of this.#waiting) look();
  };

  // The first item that matches and everything before it are taken; resolves with that item.
  async take(what, matches = () => true) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const place = this.items.findIndex(matches);
        if (place < 0) return;
        // At once: what is pushed before the promise is looked at is for the next who waits.
        this.#waiting.delete(look);
        resolve(this.items.splice(0, place + 1).at(-1));
      };
    });
    this.#waiting.add(look);
    look();
    try {
      return await within(found, what);
    } catch (error) {
      throw new Error(`${error.message}; heard ${JSON.stringify(this.items)}`);
    } finally {
      this.#waiting.delete(look);
    }
  }
}

// The headers of somebody's session: what a browser would send after the page's login.
export async function signIn(username, password) {
  const visit = await fetch(`${BOARD_URL}/session/`);
  const token = cookies(visit).csrftoken;
  const login = await fetch(`${BOARD_URL}/session/`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": token, cookie: `csrftoken=${token}` },
    body: JSON.stringify({ username, password }),
  });
  if (!login.ok) throw new Error(`${username} cannot sign in: ${login.status} ${await login.text()}`);
  return { cookie: `sessionid=${cookies(login).sessionid}` };
}

export const signInAda = () => signIn("ada", "analytical");

function cookies(response) {
  const pairs = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0].split("="));
  return Object.fromEntries(pairs);
}

// A WebSocket class with headers of its own, which remembers the sockets made of it.
export function socketClass(headers = {}) {
  return class extends WebSocket {
    static sockets = [];

    constructor(url, protocols) {
      super(url, protocols, { headers });
      this.constructor.sockets.push(this);
    }
  };
}

// Asks /health/ until the counts of connections, subscriptions and tasks are as expected.
export async function healthIs(what, expected) {
  const end = Date.now() + EVENT;
  for (;;) {
    const health = await (await fetch(`${BOARD_URL}/health/`)).json();
    if (expected(health)) return health;
    if (Date.now() > end) throw new Error(`${what}: /health/ says ${JSON.stringify(health)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// A client of native streams with nothing between it and the socket: {"stream", "payload"}.
export class Native {
  static async connect(headers) {
    const native = new Native(socketClass(headers));
    await within(new Promise((resolve, reject) => {
      native.socket.once("open", resolve);
      native.socket.once("error", reject);
    }), "the native socket opens");
    return native;
  }

  constructor(Socket) {
    this.frames = new Feed();
    this.requests = 0;
    this.socket = new Socket(SOCKET_URL);
    this.socket.on("message", (data) => this.frames.push(JSON.parse(data)));
  }

  send(stream, action, more = {}) {
    const payload = { action, request_id: ++this.requests, ...more };
    this.socket.send(JSON.stringify({ stream, payload }));
    return payload.request_id;
  }

  // Resolves with the reply's payload, whatever its status; the frames before it are dropped.
  async call(stream, action, more) {
    const request_id = this.send(stream, action, more);
    const { payload } = await this.frames.take(
      `the reply to ${stream} ${action}`,
      ({ payload: { request_id: id, action: named } }) => id === request_id && named === action,
    );
    return payload;
  }

  // Like call, for what must succeed; resolves with the data.
  async get(stream, action, more) {
    const { data, response_status: status, errors } = await this.call(stream, action, more);
    if (status >= 300) throw new Error(`${stream} ${action}: ${status} ${JSON.stringify(errors)}`);
    return data;
  }

  async close() {
    const closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.close();
    await within(closed, "the native socket closes");
  }
}

// The native neighbour who works on the same board, with a card of its own.
export async function neighbour(title) {
  const headers = await signInAda();
  const native = await Native.connect(headers);
  const hidden = (await native.get("boards", "list")).find((row) => !row.public).id;
  const { board, columns } = await library(native);
  const card = await native.get("cards", "create", { data: { column: columns.Ideas, title } });
  const leave = async () => {
    await native.get("cards", "delete", { pk: card.id });
    await native.close();
  };
  const rename = (to) => native.get("cards", "patch", { pk: card.id, data: { title: to } });
  return { headers, native, board, hidden, columns, card, rename, leave };
}

// The public board, and its columns by their titles.
export async function library(native) {
  const board = (await native.get("boards", "list")).find((row) => row.public);
  const rows = await native.get("columns", "list", { query: { board: board.id } });
  return { board: board.id, columns: Object.fromEntries(rows.map((row) => [row.title, row.id])) };
}
