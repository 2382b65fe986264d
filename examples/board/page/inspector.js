// The raw frames of one side: direction, time, a line that says what it is, and the JSON.

import { element } from "./dom.js";

const KEPT = 200; // frames; older ones leave

export class Inspector {
  constructor(root) {
    this.list = root.querySelector("[data-testid=frames]");
    this.counter = root.querySelector("[data-testid=frame-count]");
    this.count = 0;
    root.querySelector("[data-testid=frames-clear]").onclick = () => this.list.replaceChildren();
  }

  show(direction, text) {
    this.count += 1;
    this.counter.textContent = this.count;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const now = new Date();
    const time = now.toTimeString().slice(0, 8) + "." + String(now.getMilliseconds()).padStart(3, "0");
    const message = parsed(text);
    const [what, outcome] = title(message);
    const summary = element(
      "summary", {},
      element("span", { class: "arrow", "aria-label": direction === "in" ? "received" : "sent" },
        direction === "in" ? "↓" : "↑"),
      element("time", {}, time),
      element("span", { class: "what" }, what),
      outcome && element("span", { class: "outcome", "data-bad": outcome.bad }, outcome.text),
    );
    const frame = element("details", { "data-testid": "frame", "data-direction": direction }, summary);
    // Written when somebody looks: most frames are never opened.
    frame.addEventListener("toggle", () => {
      if (frame.children.length === 1) frame.append(element("pre", {}, pretty(message, text)));
      if (frame.open) frame.scrollIntoView({ block: "nearest" });
    });
    this.list.append(element("li", {}, frame));
    if (this.list.children.length > KEPT) this.list.firstChild.remove();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// A query's line breaks are kept, for people.
function pretty(message, text) {
  return message ? JSON.stringify(message, null, 2).replaceAll("\\n", "\n") : text;
}

// What a frame is, and how it ended, of either protocol.
function title(message) {
  if (message?.stream) {
    const { action, request_id, response_status: status } = message.payload;
    return [
      `${message.stream} ${action ?? ""} #${request_id ?? ""}`,
      status && { text: status, bad: status >= 400 },
    ];
  }
  if (message?.type) {
    const { type, id, payload } = message;
    const named = type === "subscribe" && /(\w+) (\w+)/.exec(payload.query);
    const fields = type === "next" && payload.data && Object.keys(payload.data).join(" ");
    const bad = type === "error" || (type === "next" && payload.errors?.length > 0);
    return [
      [named ? `${named[1]} ${named[2]}` : type, fields, id && `#${id}`].filter(Boolean).join(" "),
      bad && { text: payload.errors?.[0].extensions?.code ?? "error", bad: true },
    ];
  }
  return ["?", null];
}
