// The board over GraphQL: the protocol graphql-transport-ws, written out by hand.
//
// native.js has the same methods, with the same results: views.js knows neither protocol.

import { LiveSocket, Refused, sentence } from "./socket.js";

export class GraphQLClient {
  constructor(on) {
    this.on = on;
    this.next = 1;
    this.operations = new Map(); // id -> { next, error, complete }
    this.socket = new LiveSocket(["graphql-transport-ws"], {
      ...on,
      open: () => this.socket.send({ type: "connection_init" }),
      text: (text) => this.receive(JSON.parse(text)),
      closed: () => this.lost(),
    });
  }

  open() {
    this.socket.open();
  }

  start(query, variables, sink) {
    const id = String(this.next++);
    this.socket.send({ id, type: "subscribe", payload: { query, variables } });
    this.operations.set(id, sink);
    return id;
  }

  receive({ type, id, payload }) {
    if (type === "connection_ack") {
      this.socket.ready();
      this.on.ready();
    } else if (type === "ping") {
      this.socket.send({ type: "pong" });
    } else if (type === "next") {
      this.operations.get(id)?.next(payload);
    } else if (type === "error" || type === "complete") {
      const operation = this.operations.get(id);
      this.operations.delete(id);
      if (type === "error") operation?.error(refusal(payload));
      else operation?.complete();
    }
  }

  lost() {
    const open = [...this.operations.values()];
    this.operations.clear();
    for (const { error } of open) error(new Refused("The connection was lost.", 0));
  }

  // A query or a mutation: resolves with its one root field.
  run(query, variables = {}) {
    return new Promise((resolve, reject) => {
      let result = {};
      this.start(query, variables, {
        next: (payload) => { result = payload; },
        error: reject,
        complete: () => {
          if (result.errors?.length) reject(refusal(result.errors));
          else resolve(Object.values(result.data)[0]);
        },
      });
    });
  }

  // A subscription: hears its one root field until it is left. Resolves with what leaves it.
  // GraphQL does not acknowledge a subscription, so a refusal is told to `this.on.refused`.
  async watch(query, variables, hear) {
    const id = this.start(query, variables, {
      next: ({ data, errors }) => {
        if (errors?.length) this.on.refused(refusal(errors));
        else hear(Object.values(data)[0]);
      },
      error: (error) => error.status && this.on.refused(error),
      complete: () => {},
    });
    return () => {
      if (this.operations.delete(id)) this.socket.send({ id, type: "complete" });
    };
  }

  // The board ---------------------------------------------------------------------------------

  boards() {
    return this.run("query Boards { boards { id name public } }");
  }

  columns(board) {
    return this.run(
      "query Columns($filter: ColumnFilter) { columns(filter: $filter) { id title position } }",
      { filter: { board } },
    );
  }

  async cards(board) {
    const cards = [];
    for (let offset = 0, count = 1; offset < count; offset = cards.length) {
      const page = await this.run(CARDS, { filter: { board }, offset, limit: 100 });
      if (!page.results.length) break;
      cards.push(...page.results.map(card));
      count = page.count;
    }
    return cards;
  }

  async labels() {
    return (await this.run("query Labels { labels { id name colour } }")).map(label);
  }

  users() {
    return this.run("query Users { users { id username } }");
  }

  comments(id) {
    return this.run(
      `query Comments($filter: CommentFilter) { comments(filter: $filter) { ${COMMENT} } }`,
      { filter: { card: id } },
    );
  }

  messages(board) {
    return this.run(
      `query Chat($filter: ChatFilter) { chat(filter: $filter) { ${MESSAGE} } }`,
      { filter: { board } },
    );
  }

  async moveCard(id, column, position) {
    return card(await this.run(
      `mutation Move($id: ID!, $column: Int!, $position: Int) {
  cardMove(id: $id, column: $column, position: $position) { ${CARD} }
}`,
      { id, column: Number(column), position },
    ));
  }

  async createCard(column, title) {
    return card(await this.run(
      `mutation Create($data: CardInput!) { cardCreate(data: $data) { ${CARD} } }`,
      { data: { column, title } },
    ));
  }

  async patchCard(id, changes) {
    const data = { ...changes };
    if (data.status) data.status = data.status.toUpperCase().replace("-", "_");
    return card(await this.run(
      `mutation Patch($id: ID!, $data: CardPatchInput!) { cardPatch(id: $id, data: $data) { ${CARD} } }`,
      { id, data },
    ));
  }

  deleteCard(id) {
    return this.run("mutation Delete($id: ID!) { cardDelete(id: $id) }", { id });
  }

  addComment(id, text) {
    return this.run(
      `mutation Comment($data: CommentInput!) { commentCreate(data: $data) { ${COMMENT} } }`,
      { data: { card: id, text } },
    );
  }

  post(board, text) {
    return this.run(
      `mutation Post($board: Int!, $text: String!) { chatPost(board: $board, text: $text) { ${MESSAGE} } }`,
      { board: Number(board), text },
    );
  }

  watchCards(board, hear) {
    return this.watch(
      `subscription Cards($board: Int!) { cardActivity(board: $board) { action id data { ${CARD} } } }`,
      { board: Number(board) },
      ({ action, id, data }) => hear(action.toLowerCase(), id, data && card(data)),
    );
  }

  watchComments(id, hear) {
    return this.watch(
      `subscription Comments($card: Int!) { commentActivity(card: $card) { action id data { ${COMMENT} } } }`,
      { card: Number(id) },
      ({ action, id: comment, data }) => hear(action.toLowerCase(), comment, data),
    );
  }

  joinChat(board, hear) {
    return this.watch(
      `subscription Chat($board: Int!) { chatJoin(board: $board) { ${MESSAGE} } }`,
      { board: Number(board) },
      hear,
    );
  }

  // The history comes page after page, each an event of one subscription that ends by itself.
  history(board, hear) {
    return new Promise((resolve, reject) => {
      this.start(HISTORY, { filter: { board } }, {
        next: ({ data, errors }) => {
          if (errors?.length) reject(refusal(errors));
          else hear(Object.values(data)[0].results.map((entry) => ({ ...entry, verb: entry.verb.toLowerCase() })));
        },
        error: reject,
        complete: resolve,
      });
    });
  }
}

const CARD = `id column position title description status estimate due commentCount
  labels { id name colour } assignee { id username }`;
const COMMENT = "id text created author { id username }";
const MESSAGE = "id text created author { id username }";
const CARDS = `query Cards($filter: CardFilter, $offset: Int, $limit: Int) {
  cards(filter: $filter, offset: $offset, limit: $limit) { count results { ${CARD} } }
}`;
const HISTORY = `subscription History($filter: ActivityFilter) {
  activitiesPages(filter: $filter) { results { id verb subject created actor { id username } } }
}`;

function card(data) {
  return {
    ...data,
    column: String(data.column),
    status: data.status.toLowerCase().replace("_", "-"),
    labels: data.labels.map(label),
  };
}

// Choices are enums here, and texts natively: ON_TRACK is "on-track".
function label(data) {
  return { ...data, colour: data.colour.toLowerCase() };
}

function refusal(errors) {
  const [{ message, extensions = {} }] = errors;
  const told = extensions.fields ? sentence(extensions.fields) : message;
  return new Refused(told, extensions.status ?? 400);
}
