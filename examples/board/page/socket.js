// A WebSocket that comes back: after 0.5 s, then twice as long each time, at most 10 s.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

export class LiveSocket {
  // `on.open()`, `on.text(text)`, `on.closed()`; `on.state(name, seconds)` with connecting, live or
  // waiting; `on.frame(direction, text)` for every frame, in or out.
  constructor(protocols, on) {
    this.protocols = protocols;
    this.on = on;
    this.wait = FIRST_WAIT;
    this.timer = null;
    this.socket = null;
    addEventListener("online", () => this.timer !== null && this.open());
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.drop();
    this.on.state("connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/`, this.protocols);
    this.socket = socket;
    socket.onopen = () => this.on.open();
    socket.onmessage = ({ data }) => {
      this.on.frame("in", data);
      this.on.text(data);
    };
    socket.onclose = () => this.socket === socket && this.retry();
  }

  // Called when the server has accepted us, so that a server that refuses is not asked in haste.
  ready() {
    this.wait = FIRST_WAIT;
    this.on.state("live");
  }

  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) throw new Error("The connection is not open.");
    const text = JSON.stringify(message);
    this.on.frame("out", text);
    this.socket.send(text);
  }

  retry() {
    this.drop();
    const wait = this.wait * (1 + Math.random() * 0.3);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    this.on.state("waiting", Math.ceil(wait / 1000));
    this.timer = setTimeout(() => this.open(), wait);
  }

  drop() {
    if (!this.socket) return;
    const { socket } = this;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
    this.on.closed();
  }
}

// What the server answered instead of the data.
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// The first sentence in an error of Django REST Framework: a text, a list, or lists by field.
export function sentence(detail, field = "") {
  if (typeof detail === "string") return field ? `${field}: ${detail}` : detail;
  if (Array.isArray(detail)) return sentence(detail[0] ?? "Refused.", field);
  const [[name, inner] = ["", "Refused."]] = Object.entries(detail ?? {});
  return sentence(inner, name === "detail" || name === "non_field_errors" ? "" : name);
}
