// One side of the page: the board as one client sees it. It knows neither protocol.

import { element, minute, person } from "./dom.js";
import { Columns } from "./columns.js";
import { Inspector } from "./inspector.js";
import { Sheet } from "./sheet.js";

export class Side {
  constructor(root, { title, speaks, Client, askToSignIn, ready }) {
    this.root = root;
    this.askToSignIn = askToSignIn;
    this.user = null;
    this.board = null;
    this.columns = [];
    this.cards = new Map();
    this.labels = [];
    this.users = [];
    this.leaving = []; // what unsubscribes from the board that is shown
    this.live = false;

    root.append(document.getElementById("side-template").content.cloneNode(true));
    const heading = root.querySelector("h2");
    heading.textContent = title;
    heading.id = `${root.dataset.side}-title`;
    root.querySelector(".speaks").append(...speaks);
    this.connection = root.querySelector("[data-testid=connection]");
    this.toast = root.querySelector("[data-testid=toast]");
    this.messages = root.querySelector("[data-testid=messages]");
    this.inspector = new Inspector(root);
    this.view = new Columns(this, root.querySelector("[data-testid=columns]"));
    this.sheet = new Sheet(this, root.querySelector("[data-testid=sheet]"));
    this.bind();
    this.client = new Client({
      ready: () => {
        this.live = true;
        ready(this);
      },
      state: (name, seconds) => this.showConnection(name, seconds),
      frame: (direction, text) => this.inspector.show(direction, text),
      refused: (error) => this.tell(error),
    });
  }

  bind() {
    const { root } = this;
    const toggle = root.querySelector("[data-testid=inspector-toggle]");
    toggle.onclick = () => {
      const shown = root.classList.toggle("without-frames") === false;
      toggle.setAttribute("aria-expanded", shown);
    };
    root.querySelector("[data-testid=history-button]").onclick = () => this.sheet.showHistory();
    const say = root.querySelector(".say");
    say.onsubmit = (event) => {
      event.preventDefault();
      const text = say.text.value.trim();
      if (!text || !this.signedIn()) return;
      this.attempt(async () => {
        await this.client.post(this.board, text);
        say.reset();
      });
    };
  }

  // Begins, or begins anew as another user.
  connect(user) {
    this.user = user;
    this.root.classList.toggle("visitor", user === null);
    this.client.open();
  }

  showConnection(name, seconds) {
    if (name !== "live") this.live = false;
    const texts = { connecting: "connecting", live: "live", waiting: `back in ${seconds} s` };
    this.connection.textContent = texts[name];
    this.connection.dataset.state = name;
    this.root.classList.toggle("stale", name === "waiting");
  }

  // Shows a board. Subscribed first and read then, so that nothing between the two is missed.
  async load(board = this.board) {
    for (const leave of this.leaving.splice(0)) leave();
    const other = board !== this.board;
    this.board = board;
    if (board === null || !this.live) return;
    if (other) this.sheet.close();
    const current = () => this.board === board && this.live;
    await this.attempt(async () => {
      const early = [];
      const said = [];
      let hear = (...event) => early.push(event);
      let say = (message) => said.push(message);
      this.leaving.push(
        await this.client.watchCards(board, (...event) => current() && hear(...event)),
        await this.client.joinChat(board, (message) => current() && say(message)),
      );
      const { client } = this;
      const [columns, cards, labels, messages, users] = await Promise.all([
        client.columns(board), client.cards(board), client.labels(), client.messages(board),
        this.user ? client.users() : [],
      ]);
      if (!current()) return;
      Object.assign(this, { columns, labels, users });
      this.cards = new Map(cards.map((card) => [card.id, card]));
      this.messages.replaceChildren();
      say = (message) => this.showMessage(message);
      [...messages, ...said].forEach(say);
      hear = (...event) => this.hear(...event);
      early.forEach((event) => this.hear(...event));
      this.view.render();
      this.sheet.refresh();
    });
  }

  hear(action, id, card) {
    if (action === "delete") this.cards.delete(id);
    else this.cards.set(id, card);
    this.view.changed(id);
    this.sheet.changed(id);
  }

  showMessage({ id, author, text, created }) {
    if (this.messages.querySelector(`[data-message-id="${id}"]`)) return;
    this.messages.append(element(
      "li", { "data-testid": "message", "data-message-id": id },
      element("b", {}, person(author)), " ", element("span", {}, text), " ",
      element("time", { datetime: created }, minute(created)),
    ));
    this.messages.scrollTop = this.messages.scrollHeight;
  }

  inColumn(column) {
    return [...this.cards.values()]
      .filter((card) => card.column === column)
      .sort((one, other) => one.position - other.position || one.id - other.id);
  }

  // Shown at once; if the server refuses, put back.
  async move(id, column, position) {
    const card = this.cards.get(id);
    if (!card) return;
    const others = this.inColumn(column).filter((other) => other.id !== id);
    position = Math.max(0, Math.min(position, others.length));
    if (card.column === column && card.position === position) return;
    const before = new Map(this.cards);
    others.splice(position, 0, card);
    others.forEach((other, place) => this.cards.set(other.id, { ...other, column, position: place }));
    this.view.render();
    try {
      await this.client.moveCard(id, column, position);
    } catch (error) {
      this.cards = before;
      this.view.render();
      this.tell(error);
    }
  }

  // What it did is told to the user when it fails, and answered with false.
  async attempt(what) {
    try {
      await what();
      return true;
    } catch (error) {
      if (error.status !== 0) this.tell(error);
      return false;
    }
  }

  signedIn() {
    if (!this.user) this.askToSignIn();
    return Boolean(this.user);
  }

  tell(error) {
    clearTimeout(this.toastTimer);
    this.toast.textContent = error.message;
    this.toast.hidden = false;
    this.toastTimer = setTimeout(() => { this.toast.hidden = true; }, 6000);
  }
}
