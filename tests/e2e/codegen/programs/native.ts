// A native client, typed by nothing but the published JSON Schema of the frames.
//
// `call` knows for each stream its actions, for each action its arguments and its answer; `watch`
// knows the events of those that subscribe something.

import WebSocket from "ws";

import type { ErrorFrame, Streams } from "../generated/frames.js";
import { within } from "./board.js";

export type Stream = keyof Streams;
export type Action<S extends Stream> = keyof Streams[S] & string;
type Part<S extends Stream, A extends Action<S>, Name extends string> =
  Streams[S][A] extends Record<Name, infer Payload> ? Payload : never;

export type Request<S extends Stream, A extends Action<S>> = Part<S, A, "request">;
export type Arguments<S extends Stream, A extends Action<S>> =
  Omit<Request<S, A>, "action" | "request_id">;
export type Reply<S extends Stream, A extends Action<S>> = Part<S, A, "reply">;
export type Event<S extends Stream, A extends Action<S>> = Part<S, A, "event">;
export type Subscribing<S extends Stream> =
  { [A in Action<S>]: [Event<S, A>] extends [never] ? never : A }[Action<S>];

interface Frame {
  request_id: number;
  response_status: number;
}

export class Refused extends Error {
  constructor(readonly frame: ErrorFrame) {
    super(`${frame.response_status}: ${JSON.stringify(frame.errors)}`);
  }
}

export class Native {
  #socket: WebSocket;
  #requests = 0;
  #hear = new Map<number, (frame: Frame) => void>();

  static async connect(url: string, cookie: string): Promise<Native> {
    const socket = new WebSocket(url, { headers: { cookie } });
    await within(new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    }), "the socket opens");
    return new Native(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const { payload } = JSON.parse(String(data)) as { payload: Frame };
      this.#hear.get(payload.request_id)?.(payload);
    });
  }

  async call<S extends Stream, A extends Action<S>>(
    stream: S, action: A, given: Arguments<S, A>,
  ): Promise<Reply<S, A>> {
    const request_id = ++this.#requests;
    const reply = this.#next(request_id, `the reply to ${stream}.${action}`);
    this.#send(stream, { action, request_id, ...given });
    return reply as Promise<Reply<S, A>>;
  }

  async watch<S extends Stream, A extends Subscribing<S>>(
    stream: S, action: A, given: Arguments<S, A>,
  ): Promise<{ next(): Promise<Event<S, A>> }> {
    const request_id = ++this.#requests;
    const reply = this.#next(request_id, `the acknowledgement of ${stream}.${action}`);
    this.#send(stream, { action, request_id, ...given });
    await reply;
    const heard: Event<S, A>[] = [];
    let wake = (): void => undefined;
    this.#hear.set(request_id, (frame) => {
      heard.push(frame as Event<S, A>);
      wake();
    });
    return {
      next: async () => {
        if (!heard.length) {
          await within(new Promise<void>((resolve) => { wake = resolve; }), `an event of ${action}`);
        }
        return heard.shift() as Event<S, A>;
      },
    };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await within(closed, "the socket closes");
  }

  #send(stream: string, payload: object): void {
    this.#socket.send(JSON.stringify({ stream, payload }));
  }

  #next(request_id: number, what: string): Promise<Frame> {
    const frame = new Promise<Frame>((resolve, reject) => {
      this.#hear.set(request_id, (heard) => {
        if (heard.response_status < 400) resolve(heard);
        else reject(new Refused(heard as unknown as ErrorFrame));
      });
    });
    return within(frame, what).finally(() => this.#hear.delete(request_id));
  }
}
