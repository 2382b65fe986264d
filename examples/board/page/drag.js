// Dragging cards with a mouse, a pen or a finger (which has to rest a moment, so that it can scroll).

const SLACK = 6; // pixels before a press becomes a drag
const REST = 280; // milliseconds before a touch becomes one

// Calls `drop(card id, column id, position)`; `columns` is the element that holds them.
export function makeDraggable(columns, drop) {
  let press = null; // { card, x, y, timer }
  let drag = null; // { card, ghost, gap, dx, dy }

  columns.addEventListener("pointerdown", (event) => {
    const card = event.target.closest("[data-card-id]");
    if (!card || event.button !== 0 || event.target.closest("button, input, a")) return;
    press = { card, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
    if (press.touch) press.timer = setTimeout(() => begin(press.x, press.y), REST);
  });

  addEventListener("pointermove", (event) => {
    if (!press) return;
    const far = Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLACK;
    if (!drag && far) {
      if (press.touch) return cancel(); // it scrolls
      begin(press.x, press.y);
    }
    if (drag) follow(event.clientX, event.clientY);
  });

  addEventListener("pointerup", () => {
    const held = drag;
    const target = held?.gap.closest("[data-column-id]");
    const position = target && [...target.querySelectorAll("[data-card-id], .gap")]
      .filter((item) => item !== held.card).indexOf(held.gap);
    if (held) {
      // The click that follows a drag must not open the card.
      columns.dataset.dropped = "";
      setTimeout(() => delete columns.dataset.dropped);
    }
    cancel();
    if (target) drop(held.card.dataset.cardId, target.dataset.columnId, position);
  });

  addEventListener("pointercancel", cancel);
  addEventListener("keydown", (event) => event.key === "Escape" && drag && cancel());
  columns.addEventListener("touchmove", (event) => drag && event.preventDefault(), { passive: false });
  columns.addEventListener("contextmenu", (event) => press?.touch && event.preventDefault());

  function begin(x, y) {
    const { card } = press;
    const box = card.getBoundingClientRect();
    const ghost = card.cloneNode(true);
    ghost.removeAttribute("data-card-id");
    ghost.removeAttribute("data-testid");
    ghost.classList.add("ghost");
    ghost.setAttribute("aria-hidden", "true");
    Object.assign(ghost.style, { width: `${box.width}px`, left: `${box.left}px`, top: `${box.top}px` });
    const gap = document.createElement("div");
    gap.className = "gap";
    gap.style.height = `${box.height}px`;
    card.before(gap);
    card.classList.add("lifted");
    columns.closest(".side").append(ghost);
    document.body.classList.add("dragging");
    drag = { card, ghost, gap, dx: x - box.left, dy: y - box.top };
  }

  function follow(x, y) {
    drag.ghost.style.left = `${x - drag.dx}px`;
    drag.ghost.style.top = `${y - drag.dy}px`;
    const edge = columns.getBoundingClientRect();
    if (x > edge.right - 30) columns.scrollLeft += 12;
    if (x < edge.left + 30) columns.scrollLeft -= 12;
    const column = [...columns.children].find((candidate) => {
      const box = candidate.getBoundingClientRect();
      return x >= box.left && x < box.right;
    });
    const list = column?.querySelector("[data-testid=cards]");
    if (!list || y < edge.top - 60 || y > edge.bottom + 60) return;
    const below = [...list.querySelectorAll("[data-card-id]:not(.lifted)")].find((card) => {
      const box = card.getBoundingClientRect();
      return y < box.top + box.height / 2;
    });
    if (below) below.before(drag.gap);
    else list.append(drag.gap);
  }

  function cancel() {
    clearTimeout(press?.timer);
    press = null;
    if (!drag) return;
    drag.card.classList.remove("lifted");
    drag.ghost.remove();
    drag.gap.remove();
    document.body.classList.remove("dragging");
    drag = null;
  }
}
