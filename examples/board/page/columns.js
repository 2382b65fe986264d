// The columns and cards of one side: drawn from its state, changed in place, moved smoothly.

import { calm, day, element, person } from "./dom.js";
import { makeDraggable } from "./drag.js";

const STATUS = { "at-risk": "At risk", blocked: "Blocked" };

export class Columns {
  constructor(side, root) {
    this.side = side;
    this.root = root;
    this.drawn = new Map(); // card id -> { node, text }
    this.news = new Set(); // cards that changed since they were drawn last
    makeDraggable(root, (id, column, position) => this.side.move(id, column, position));
    root.addEventListener("click", (event) => {
      const card = event.target.closest("[data-card-id]");
      if (card && !event.target.closest("button") && root.dataset.dropped === undefined) {
        this.open(card);
      }
    });
    root.addEventListener("keydown", (event) => this.key(event));
  }

  // Several events of one change are drawn together.
  changed(id) {
    this.news.add(id);
    this.frame ??= requestAnimationFrame(() => this.render());
  }

  render() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    const before = this.places();
    this.drawColumns();
    for (const [id, { node }] of this.drawn) {
      if (this.side.cards.has(id)) continue;
      node.remove();
      this.drawn.delete(id);
    }
    for (const column of this.root.children) {
      const list = column.querySelector("[data-testid=cards]");
      const cards = this.side.inColumn(column.dataset.columnId);
      cards.forEach((card, place) => {
        const node = this.drawCard(card);
        const there = [...list.children].filter((child) => child.matches("[data-card-id]"))[place];
        if (there !== node) list.insertBefore(node, there ?? null);
      });
      column.querySelector(".count").textContent = cards.length;
    }
    this.root.removeAttribute("aria-busy");
    if (focused && document.activeElement !== focused && focused.isConnected) focused.focus();
    this.glide(before);
    this.news.clear();
  }

  drawColumns() {
    const ids = this.side.columns.map((column) => column.id).join();
    if (this.root.dataset.ids === ids) return;
    this.root.dataset.ids = ids;
    this.drawn.clear();
    this.root.style.setProperty("--columns", this.side.columns.length);
    this.root.replaceChildren(...this.side.columns.map((column) => this.column(column)));
  }

  column({ id, title }) {
    const name = `${this.side.root.dataset.side}-column-${id}`;
    const input = element("input", {
      name: "title", placeholder: "What is to be done?", "aria-label": `Title of a card for ${title}`,
      "data-testid": "new-card-title", maxlength: 140, autocomplete: "off", required: true,
    });
    const open = element("button", {
      type: "button", class: "add", "data-testid": "add-card",
      onclick: () => {
        if (!this.side.signedIn()) return;
        form.hidden = false;
        open.hidden = true;
        input.focus();
      },
    }, "+ Add a card");
    const close = () => {
      form.reset();
      form.hidden = true;
      open.hidden = false;
    };
    const form = element("form", {
      class: "new-card", hidden: true,
      onsubmit: async (event) => {
        event.preventDefault();
        const text = input.value.trim();
        if (text && await this.side.attempt(() => this.side.client.createCard(id, text))) form.reset();
      },
      onkeydown: (event) => {
        if (event.key !== "Escape") return;
        close();
        open.focus();
      },
      onfocusout: (event) => !form.contains(event.relatedTarget) && !input.value && close(),
    }, input, element("button", { type: "submit", class: "button small primary" }, "Add"));
    return element(
      "section", { class: "column", "data-testid": "column", "data-column-id": id, "aria-labelledby": name },
      element("h3", { id: name }, title, element("span", { class: "count" })),
      element("div", { class: "cards", "data-testid": "cards" }),
      form, open,
    );
  }

  drawCard(card) {
    const text = JSON.stringify(card);
    const drawn = this.drawn.get(card.id);
    if (drawn?.text === text) return drawn.node;
    const node = drawn?.node ?? element("article", {
      class: "card", tabindex: 0, "data-testid": "card", "data-card-id": card.id,
      "aria-keyshortcuts": "Enter Shift+ArrowLeft Shift+ArrowRight Shift+ArrowUp Shift+ArrowDown",
    });
    node.dataset.status = card.status;
    node.dataset.position = card.position;
    node.setAttribute("aria-label", card.title);
    // The buttons stay, lest they lose the focus while somebody moves a card twice.
    const buttons = drawn ? node.querySelector(".movers") : this.movers(card.id);
    node.replaceChildren(
      element("div", { class: "labels" }, ...card.labels.map((label) => (
        element("span", { class: "label", "data-colour": label.colour }, label.name)))),
      element("h4", { "data-testid": "card-title" }, card.title),
      this.facts(card), buttons,
    );
    this.drawn.set(card.id, { node, text });
    return node;
  }

  facts({ status, due, estimate, commentCount, assignee }) {
    return element(
      "div", { class: "facts" },
      STATUS[status] && element("span", { class: "status" }, STATUS[status]),
      due && element("span", { title: "Due" }, day(due)),
      estimate && element("span", { title: "Days of work" }, `${Number(estimate)} d`),
      commentCount > 0 && element("span", { class: "talk", title: "Comments" }, String(commentCount)),
      assignee && element("span", { class: "face", title: person(assignee), "data-who": assignee.id % 4 },
        person(assignee)[0]),
    );
  }

  movers(id) {
    const mover = (text, label, step, testid) => element("button", {
      type: "button", class: "plain", "aria-label": label, title: label, tabindex: -1,
      "data-testid": testid, onclick: () => this.step(id, step, 0),
    }, text);
    return element("div", { class: "movers" },
      mover("‹", "Move left", -1, "move-left"), mover("›", "Move right", 1, "move-right"));
  }

  // Moves a card by columns or by places, as the keys and the buttons do.
  step(id, across, down) {
    const card = this.side.cards.get(id);
    const columns = this.side.columns;
    const column = columns[columns.findIndex((candidate) => candidate.id === card.column) + across];
    if (column) this.side.move(id, column.id, card.position + down);
  }

  key(event) {
    const node = event.target;
    if (!node.matches("[data-card-id]")) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key === "Enter") this.open(node);
    else if (step && event.shiftKey) this.step(node.dataset.cardId, ...step);
    else if (step) this.look(node, ...step);
    else return;
    event.preventDefault();
  }

  // The arrows alone go from card to card.
  look(node, across, down) {
    const column = node.closest("[data-column-id]");
    const cards = [...column.querySelectorAll("[data-card-id]")];
    const place = cards.indexOf(node);
    if (down) cards[place + down]?.focus();
    let next = column;
    while (across && (next = across > 0 ? next.nextElementSibling : next.previousElementSibling)) {
      const others = next.querySelectorAll("[data-card-id]");
      if (others.length) return others[Math.min(place, others.length - 1)].focus();
    }
  }

  open(node) {
    this.side.sheet.showCard(node.dataset.cardId);
  }

  places() {
    return new Map([...this.drawn].map(([id, { node }]) => [id, node.getBoundingClientRect()]));
  }

  // Cards slide from where they were; what is new or came from elsewhere glows for a moment.
  glide(before) {
    for (const [id, { node }] of this.drawn) {
      const from = before.get(id);
      if (this.news.has(id)) {
        node.classList.remove("fresh");
        void node.offsetWidth; // so that the animation begins anew
        node.classList.add("fresh");
      }
      if (!from || calm.matches) continue;
      const to = node.getBoundingClientRect();
      const [x, y] = [from.left - to.left, from.top - to.top];
      if (!x && !y) continue;
      node.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], {
        duration: 260, easing: "cubic-bezier(.2, .8, .2, 1)",
      });
    }
  }
}
