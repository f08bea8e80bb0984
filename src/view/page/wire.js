// @ts-check
// The WebSocket: decodes the server's messages (src/view/protocol.rs), acknowledges, reconnects.

import { PAGE } from "./version.js";

/** @import { About, Answer, Counts, Figures, InControl, Request, Status, TraceChunk } from "./messages.d.ts" */
/** @typedef {{ array: number, width: number, height: number, bytes: Uint8Array }} FieldImage */
/** @typedef {{ sequence: number, tick: number, band: number, difference: boolean, images: FieldImage[], levels: Uint8Array }} FieldFrame its levels of what is heard, a pitch each, low first */
/** @typedef {{ width: number, height: number, rgb: Uint8Array, side: number, bursts: Uint8Array }} Picture its bursts in `side` by `side` cells, On before Off; a side of 0 tells none */
/** @typedef {Picture & { dream: boolean }} MindPicture */
/** @typedef {{ whole: number | undefined, held: boolean, phase: number, amplitude: number, grey: Uint8Array }} BoundArray phase in turns, amplitude in tonic rms */
/** @typedef {{ name: number, arrays: number, confidence: number, grey: Uint8Array }} BoundWhole */
/** @typedef {{ side: number, arrays: BoundArray[], wholes: BoundWhole[] }} Bound */
/** @typedef {{ label: number, colour: number[], share: number, confidence: number }} SeenObject */
/** @typedef {{ columns: number, rows: number, labels: Uint8Array, width: number, height: number, grey: Uint8Array, objects: SeenObject[] }} Objects */
/** @typedef {"connecting" | "live" | "ended" | "lost"} LinkState */
/** @typedef {{ field(frame: FieldFrame): void, input(picture: Picture): void, mind(picture: MindPicture): void, binding(bound: Bound): void, objects(seen: Objects): void, sound(samples: Float32Array, position: number): void,
 *   status(status: Status, viewer: Counts, control: InControl, viewers: number): void, traces(chunk: TraceChunk): void, about(about: About): void,
 *   answer(answer: Answer): void, state(state: LinkState, why?: string): void, heard(): void }} Receiver its `heard` is told of every message */

const HEADER_BYTES = 24;
const VERSION = 1;
/** The server's close code for "the run has ended". */
const AWAY = 1001;
/** Its code for a page that is not of its program. */
const OLD_PAGE = 4001;
/** Its answer to a plain request where a socket would have opened. */
const UPGRADE_REQUIRED = 426;
/** Where the browser's tab remembers for which page it was loaded again. */
const RELOADED = "napot-reloaded";
/** Wait before the first and the longest wait before a later try, in ms. */
const RETRY = [400, 3000];
/** Bytes that may wait to be sent; more would come too late to be of use. */
const BACKLOG = 2_000_000;

const text = new TextDecoder();

/** @param {ArrayBuffer} buffer @param {DataView} view @returns {FieldFrame} */
function readField(buffer, view) {
  const images = [];
  let at = HEADER_BYTES;
  for (let i = view.getUint32(4, true); i > 0; i--) {
    const width = view.getUint16(at + 4, true), height = view.getUint16(at + 6, true);
    const bytes = new Uint8Array(buffer, at + 8, 2 * width * height);
    images.push({ array: view.getUint16(at, true), width, height, bytes });
    at += 8 + bytes.length;
  }
  return { sequence: count(view, 8), tick: count(view, 16), band: view.getUint8(2), difference: view.getUint8(3) === 1, images, levels: new Uint8Array(buffer, at) };
}

/** @param {ArrayBuffer} buffer @param {DataView} view @returns {Picture} */
function readPicture(buffer, view) {
  const [width, height, side] = [0, 2, 4].map((at) => view.getUint16(HEADER_BYTES + at, true));
  const first = HEADER_BYTES + 8, size = 3 * width * height;
  return { width, height, rgb: new Uint8Array(buffer, first, size), side, bursts: new Uint8Array(buffer, first + size, 2 * side * side) };
}

/** @param {ArrayBuffer} buffer @param {DataView} view @returns {Bound} */
function readBound(buffer, view) {
  const [side, arrays, wholes] = [0, 2, 4].map((at) => view.getUint16(HEADER_BYTES + at, true));
  const first = HEADER_BYTES + 8, named = first + 6 * arrays, pictures = named + 4 * wholes, pixels = side * side;
  const grey = (/** @type {number} */ k) => new Uint8Array(buffer, pictures + k * pixels, pixels);
  return {
    side,
    arrays: Array.from({ length: arrays }, (_, k) => {
      const at = first + 6 * k, whole = view.getUint8(at);
      return { whole: whole === 255 ? undefined : whole, held: view.getUint8(at + 1) === 1, phase: view.getUint16(at + 2, true) / 65536, amplitude: view.getUint16(at + 4, true) / 256, grey: grey(wholes + k) };
    }),
    wholes: Array.from({ length: wholes }, (_, k) => {
      const at = named + 4 * k;
      return { name: view.getUint8(at), arrays: view.getUint8(at + 1), confidence: view.getUint8(at + 2) / 255, grey: grey(k) };
    }),
  };
}

/** @param {ArrayBuffer} buffer @param {DataView} view @returns {Objects} */
function readObjects(buffer, view) {
  const [columns, rows, width, height, count] = [0, 2, 4, 6, 8].map((at) => view.getUint16(HEADER_BYTES + at, true));
  const first = HEADER_BYTES + 12, labels = first + 8 * count, grey = labels + columns * rows;
  return {
    columns, rows, width, height,
    labels: new Uint8Array(buffer, labels, columns * rows),
    grey: new Uint8Array(buffer, grey, width * height),
    objects: Array.from({ length: count }, (_, k) => {
      const at = first + 8 * k, colour = [1, 2, 3].map((part) => view.getUint8(at + part));
      return { label: view.getUint8(at), colour, share: view.getUint16(at + 4, true) / 65535, confidence: view.getUint8(at + 6) / 255 };
    }),
  };
}

/** A 64-bit count; exact below 2^53, which at one a millisecond is 285,000 years. @param {DataView} view @param {number} at */
const count = (view, at) => Number(view.getBigUint64(at, true));

/** @param {ArrayBuffer} buffer @param {Receiver} receiver */
function dispatch(buffer, receiver) {
  if (buffer.byteLength < HEADER_BYTES) return;
  const view = new DataView(buffer);
  if (view.getUint8(1) !== VERSION) return;
  const json = () => JSON.parse(text.decode(new Uint8Array(buffer, HEADER_BYTES)));
  switch (view.getUint8(0)) {
    case 1: return receiver.field(readField(buffer, view));
    case 2: return receiver.input(readPicture(buffer, view));
    case 3: return receiver.sound(new Float32Array(buffer, HEADER_BYTES), count(view, 16));
    case 4: {
      const message = /** @type {Figures} */ (json());
      if (message.status) receiver.status(message.status, message.viewer, message.control, message.viewers);
      if (message.ended) receiver.state("ended");
      return;
    }
    case 5: return receiver.traces(json());
    case 6: return receiver.about(json());
    case 9: return receiver.answer(json());
    case 10: return receiver.mind({ ...readPicture(buffer, view), dream: view.getUint16(2, true) === 1 });
    case 11: return receiver.binding(readBound(buffer, view));
    case 12: return receiver.objects(readObjects(buffer, view));
  }
}

/** Why no socket opens, in the server's words: a browser keeps its answer to the socket's request to itself. @param {string} path */
async function refusal(path) {
  try {
    const answer = await fetch(path);
    return answer.status === UPGRADE_REQUIRED ? "" : await answer.text();
  } catch {
    return "";
  }
}

/** Loads the page of the program that runs now; `false` where this one was what came of that. */
function reloadOnce() {
  if (sessionStorage.getItem(RELOADED) === PAGE) return false;
  sessionStorage.setItem(RELOADED, PAGE);
  location.reload();
  return true;
}

/** Connects, and connects again when the connection is lost. @param {Receiver} receiver */
export function connect(receiver) {
  /** @type {WebSocket | undefined} */
  let socket;
  let wait = RETRY[0];
  let ended = false;
  const wanted = { sound: false };

  /** `false` where nothing can be sent now. */
  const send = (/** @type {Request} */ request) => {
    if (ended || socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(request));
    return true;
  };
  const open = () => {
    const path = `/socket?page=${PAGE}`;
    let opened = false;
    socket = new WebSocket(`ws://${location.host}${path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      wait = RETRY[0];
      ended = false;
      receiver.state("live");
      if (wanted.sound) send({ sound: true });
    };
    socket.onmessage = (event) => {
      receiver.heard();
      dispatch(event.data, {
        ...receiver,
        state: (state) => {
          ended = state === "ended";
          receiver.state(state);
        },
      });
    };
    socket.onclose = async (event) => {
      if (event.code === OLD_PAGE && reloadOnce()) return;
      ended ||= event.code === AWAY;
      const why = opened ? event.reason : await refusal(path);
      receiver.state(ended ? "ended" : "lost", why);
      setTimeout(open, wait);
      wait = Math.min(2 * wait, RETRY[1]);
    };
  };
  open();

  return {
    /** The frame was drawn, or passed over: the server may send another. @param {number} sequence */
    ack: (sequence) => send({ ack: sequence }),
    /** What this page asks of the run, or about its device; `false` where it can't now. */
    ask: send,
    /** Sends a picture or sound of this device; `false` where it can't be now. @param {number} kind @param {number} detail
     * @param {number} count @param {number} sequence @param {number} captured ns on the run's clock @param {ArrayBuffer} body */
    give(kind, detail, count, sequence, captured, body) {
      if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > BACKLOG) return false;
      const bytes = new Uint8Array(HEADER_BYTES + body.byteLength), view = new DataView(bytes.buffer);
      view.setUint8(0, kind);
      view.setUint8(1, VERSION);
      view.setUint16(2, detail, true);
      view.setUint32(4, count, true);
      view.setBigUint64(8, BigInt(sequence), true);
      view.setBigInt64(16, BigInt(captured), true);
      bytes.set(new Uint8Array(body), HEADER_BYTES);
      socket.send(bytes);
      return true;
    },
    /** @param {boolean} sound */
    sound: (sound) => {
      wanted.sound = sound;
      send({ sound });
    },
  };
}
