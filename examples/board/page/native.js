// The board over native frames: {"stream": "cards", "payload": {"action", "request_id", ...}}.
//
// graphql.js has the same methods, with the same results: views.js knows neither protocol.

import { LiveSocket, Refused, sentence } from "./socket.js";

export class NativeClient {
  constructor(on) {
    this.on = on;
    this.next = 1;
    this.calls = new Map(); // request_id -> what is waiting for its reply
    this.events = new Map(); // request_id -> who hears the events
    this.socket = new LiveSocket([], {
      ...on,
      open: () => {
        this.socket.ready();
        on.ready();
      },
      text: (text) => this.receive(JSON.parse(text)),
      closed: () => this.lost(),
    });
  }

  open() {
    this.socket.open();
  }

  call(stream, action, more = {}, request_id = this.next++) {
    return new Promise((resolve, reject) => {
      this.socket.send({ stream, payload: { action, request_id, ...more } });
      this.calls.set(request_id, { action, resolve, reject });
    });
  }

  // Subscribes, and resolves with what unsubscribes.
  async watch(stream, action, leave, more, hear) {
    const request_id = this.next++;
    this.events.set(request_id, hear);
    try {
      await this.call(stream, action, more, request_id);
    } catch (error) {
      this.events.delete(request_id);
      throw error;
    }
    return () => {
      if (!this.events.delete(request_id)) return;
      this.call(stream, leave, more, request_id).catch(() => {});
    };
  }

  receive({ payload }) {
    const { request_id, action, response_status: status, data, errors } = payload;
    const call = this.calls.get(request_id);
    if (call && (action === call.action || status >= 400)) {
      if (call.more?.(data)) return;
      this.calls.delete(request_id);
      if (status >= 400) call.reject(new Refused(sentence(errors), status));
      else call.resolve(data);
    } else if (status >= 400) {
      // A subscription that is refused later has ended.
      if (this.events.delete(request_id)) this.on.refused(new Refused(sentence(errors), status));
    } else {
      this.events.get(request_id)?.(payload);
    }
  }

  lost() {
    for (const { reject } of this.calls.values()) reject(new Refused("The connection was lost.", 0));
    this.calls.clear();
    this.events.clear();
  }

  // The board ---------------------------------------------------------------------------------

  async boards() {
    return (await this.call("boards", "list")).map(row);
  }

  async columns(board) {
    return (await this.call("columns", "list", { query: { board } })).map(row);
  }

  async cards(board) {
    const cards = [];
    for (let offset = 0, count = 1; offset < count; offset = cards.length) {
      const page = await this.call("cards", "list", { query: { board }, offset, limit: 100 });
      if (!page.results.length) break;
      cards.push(...page.results.map(card));
      count = page.count;
    }
    return cards;
  }

  async labels() {
    return (await this.call("labels", "list")).map(row);
  }

  async users() {
    return (await this.call("users", "list")).map(row);
  }

  async comments(id) {
    return (await this.call("comments", "list", { query: { card: id } })).map(row);
  }

  async messages(board) {
    return (await this.call("chat", "list", { query: { board } })).map(row);
  }

  async moveCard(id, column, position) {
    return card(await this.call("cards", "move", { pk: id, column, position }));
  }

  async createCard(column, title) {
    return card(await this.call("cards", "create", { data: { column, title } }));
  }

  async patchCard(id, changes) {
    const data = {};
    for (const [name, value] of Object.entries(changes)) data[NAMES[name] ?? name] = value;
    return card(await this.call("cards", "patch", { pk: id, data }));
  }

  async deleteCard(id) {
    await this.call("cards", "delete", { pk: id });
  }

  async addComment(id, text) {
    return row(await this.call("comments", "create", { data: { card: id, text } }));
  }

  async post(board, text) {
    return row(await this.call("chat", "post", { board, text }));
  }

  watchCards(board, hear) {
    return this.watch(
      "cards", "subscribe_card_activity", "unsubscribe_card_activity", { board },
      ({ action, data }) => hear(action, String(data.id ?? data.pk), card(data)),
    );
  }

  watchComments(id, hear) {
    return this.watch(
      "comments", "subscribe_comment_activity", "unsubscribe_comment_activity", { card: id },
      ({ action, data }) => hear(action, String(data.id ?? data.pk), row(data)),
    );
  }

  joinChat(board, hear) {
    return this.watch("chat", "join", "leave", { board }, ({ data }) => hear(row(data)));
  }

  // The history comes page after page, each a reply to the same request.
  async history(board, hear) {
    const request_id = this.next++;
    const listed = this.call("activities", "list", { query: { board } }, request_id);
    this.calls.get(request_id).more = (page) => {
      if (!page?.results) return false;
      hear(page.results.map(row));
      return page.offset + page.limit < page.count;
    };
    await listed;
  }
}

const NAMES = { labelIds: "label_ids", assigneeId: "assignee_id" };

// Keys are texts in the views, as GraphQL has them.
function row(data) {
  return { ...data, id: String(data.id) };
}

function card(data) {
  return {
    ...row(data),
    column: String(data.column),
    labels: (data.labels ?? []).map(row),
    assignee: data.assignee ? row(data.assignee) : null,
    commentCount: data.comment_count,
  };
}
