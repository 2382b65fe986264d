// What opens over one side: a card with its comments, or the history of the board.

import { day, element, minute, person } from "./dom.js";

const STATUSES = { "on-track": "On track", "at-risk": "At risk", blocked: "Blocked" };

export class Sheet {
  constructor(side, root) {
    this.side = side;
    this.root = root;
    this.card = null;
    this.leave = null;
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  open(heading, ...content) {
    this.close();
    this.root.replaceChildren(
      element("header", {}, element("h3", {}, heading),
        element("button", {
          type: "button", class: "plain close", "aria-label": "Close", "data-testid": "sheet-close",
          onclick: () => this.close(),
        }, "×")),
      ...content,
    );
    this.root.hidden = false;
  }

  close() {
    if (this.root.hidden) return;
    const { card } = this;
    this.leave?.();
    this.card = this.leave = null;
    this.root.hidden = true;
    this.root.replaceChildren();
    this.side.root.querySelector(`[data-card-id="${card}"]`)?.focus();
  }

  // A card ------------------------------------------------------------------------------------

  async showCard(id) {
    const card = this.side.cards.get(id);
    this.open("Card", this.editor(card), this.talk(id), this.remover(id));
    this.card = id;
    this.fill(card);
    this.root.querySelector("[name=title]").focus({ preventScroll: true });
    await this.loadComments(id);
  }

  editor(card) {
    const readonly = this.side.user === null;
    const save = (event) => this.save(card.id, event.target);
    const text = (name, tag = "input", more = {}) => element(tag, {
      name, readonly, onchange: save, "data-testid": `edit-${name}`, ...more,
    });
    const choice = (name, options) => element("select", {
      name, disabled: readonly, onchange: save, "data-testid": `edit-${name}`,
    }, ...options.map(([value, label]) => element("option", { value }, label)));
    const users = this.side.users.map((user) => [user.id, person(user)]);
    if (!users.length && card.assignee) users.push([card.assignee.id, person(card.assignee)]);
    this.form = element(
      "form", { class: "editor", onsubmit: (event) => event.preventDefault() },
      element("label", { class: "wide" }, "Title", text("title", "input", { maxlength: 140, required: true })),
      element("label", { class: "wide" }, "Description", text("description", "textarea", { rows: 2 })),
      element("label", {}, "Status", choice("status", Object.entries(STATUSES))),
      element("label", {}, "Assignee", choice("assigneeId", [["", "Nobody"], ...users])),
      element("label", {}, "Due", text("due", "input", { type: "date" })),
      element("label", {}, "Days", text("estimate", "input", { type: "number", step: "0.5", min: "0" })),
      element("fieldset", { class: "wide" }, element("legend", {}, "Labels"),
        ...this.side.labels.map((label) => element(
          "label", { class: "label", "data-colour": label.colour },
          element("input", { type: "checkbox", name: "labelIds", value: label.id, disabled: readonly, onchange: save }),
          label.name))),
    );
    return this.form;
  }

  save(id, field) {
    let value = field.value === "" && field.name !== "description" ? null : field.value;
    if (field.name === "labelIds") {
      value = [...this.form.querySelectorAll("[name=labelIds]:checked")].map((box) => box.value);
    }
    this.side.attempt(() => this.side.client.patchCard(id, { [field.name]: value }))
      .then((saved) => saved || this.fill(this.side.cards.get(id)));
  }

  // Writes the card into the form, but for the field in which somebody is writing.
  fill(card) {
    const values = { ...card, assigneeId: card.assignee?.id ?? "" };
    const labels = new Set(card.labels.map((label) => label.id));
    for (const field of this.form.elements) {
      if (field.name === "labelIds") field.checked = labels.has(field.value);
      else if (field.name && field !== document.activeElement) field.value = values[field.name] ?? "";
    }
  }

  remover(id) {
    if (!this.side.user) return element("p", { class: "hint" }, "Sign in to change this card.");
    return element("button", {
      type: "button", class: "button small danger", "data-testid": "delete-card",
      onclick: () => this.side.attempt(() => this.side.client.deleteCard(id)),
    }, "Delete this card");
  }

  talk(id) {
    this.comments = element("ol", { class: "comments", "data-testid": "comments" });
    const form = element(
      "form", {
        class: "say",
        onsubmit: async (event) => {
          event.preventDefault();
          const text = form.text.value.trim();
          if (!text || !this.side.signedIn()) return;
          if (await this.side.attempt(() => this.side.client.addComment(id, text))) form.reset();
        },
      },
      element("input", {
        name: "text", placeholder: "Write a comment", "aria-label": "Comment", maxlength: 2000,
        autocomplete: "off", required: true, "data-testid": "comment-input",
      }),
      element("button", { type: "submit", class: "button small", "data-testid": "comment-send" }, "Send"),
    );
    return element("section", { class: "talk-about" }, element("h4", {}, "Comments"), this.comments, form);
  }

  async loadComments(id) {
    await this.side.attempt(async () => {
      const leave = await this.side.client.watchComments(id, (action, key, comment) => {
        if (this.card === id) this.hearComment(action, key, comment);
      });
      if (this.card !== id) return leave();
      this.leave = leave;
      const comments = await this.side.client.comments(id);
      if (this.card === id) comments.forEach((comment) => this.hearComment("create", comment.id, comment));
    });
  }

  hearComment(action, key, comment) {
    const shown = this.comments.querySelector(`[data-comment-id="${key}"]`);
    if (action === "delete") return shown?.remove();
    const { author, text, created } = comment;
    const item = element(
      "li", { "data-testid": "comment", "data-comment-id": key },
      element("b", {}, person(author)),
      element("time", { datetime: created }, `${day(created.slice(0, 10))}, ${minute(created)}`),
      element("p", {}, text),
    );
    if (shown) shown.replaceWith(item);
    else this.comments.append(item);
  }

  // The history -------------------------------------------------------------------------------

  async showHistory() {
    const list = element("ol", { class: "history", "data-testid": "history" });
    this.open("History", list);
    this.root.querySelector(".close").focus();
    await this.side.attempt(() => this.side.client.history(this.side.board, (entries) => {
      list.append(...entries.map(({ actor, verb, subject, created }) => element(
        "li", {}, element("b", {}, person(actor)), ` ${verb} `, element("span", {}, subject),
        element("time", { datetime: created }, `${day(created.slice(0, 10))}, ${minute(created)}`),
      )));
    }));
    if (!list.children.length) list.append(element("li", {}, "Nothing has happened yet. Move a card!"));
  }

  // From the side -----------------------------------------------------------------------------

  changed(id) {
    if (this.card !== id) return;
    const card = this.side.cards.get(id);
    if (card) this.fill(card);
    else this.close();
  }

  // After a reconnection: everything anew.
  refresh() {
    const { card } = this;
    if (card === null) return;
    if (this.side.cards.has(card)) this.showCard(card);
    else this.close();
  }
}
