// @ts-check
// The camera: its pictures as JPEG, the newest first, each with the time at which it was captured.

import { deviceClock } from "./clock.js";

/** The longest side of a picture that is sent, and JPEG's quality from 0 to 1. */
const SIDE = 640, QUALITY = 0.8;
/** Pictures that may be under way: one that is compressed and one that travels. More would only grow old. */
const UNDER_WAY = 2;
/** Pictures that are looked at for the one that came soonest: 5 s. */
const ARRIVALS = 150;
/** A capture time further back than this, in ms, is of another clock. */
const BELIEVED = 10_000;

/** @typedef {{ frame: VideoFrame, captured: number, sequence: number }} Shot */

/** When a frame was captured in this page's time: the device's word where the browser hands it on, else by its stamp.
 * @param {number | undefined} told @param {() => number} mapped */
function captureTime(told, mapped) {
  const worked = mapped();
  const age = performance.now() - (told ?? NaN);
  return told !== undefined && age >= 0 && age < BELIEVED ? told : worked;
}

/** Calls `take` with every frame, which it must close, and its capture time; gives back what ends that.
 * @param {MediaStreamTrack} track @param {(frame: VideoFrame, captured: number) => void} take */
async function readFrames(track, take) {
  const pageTime = deviceClock(ARRIVALS);
  const Processor = /** @type {any} */ (window).MediaStreamTrackProcessor;
  if (Processor) {
    const reader = new Processor({ track }).readable.getReader();
    void (async () => {
      for (;;) {
        const { value: frame, done } = await reader.read();
        if (done) return;
        const arrived = performance.now();
        take(frame, captureTime(frame.metadata?.().captureTime, () => pageTime(frame.timestamp / 1_000, arrived)));
      }
    })();
    return () => { void reader.cancel(); };
  }
  const video = document.createElement("video");
  video.muted = video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  let handle = 0;
  const next = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ about) => {
    const captured = captureTime(about.captureTime, () => pageTime(1_000 * about.mediaTime, now));
    take(new VideoFrame(video, { timestamp: Math.round(1_000 * captured) }), captured);
    handle = video.requestVideoFrameCallback(next);
  };
  handle = video.requestVideoFrameCallback(next);
  return () => video.cancelVideoFrameCallback(handle);
}

/** Opens the camera. `give` takes a picture and says whether it was sent; `gone` hears that the device is no more.
 * @param {import("./senses.js").Give} give @param {() => void} gone @returns {Promise<import("./senses.js").Device>} */
export async function openCamera(give, gone) {
  const wish = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  const [track] = (await navigator.mediaDevices.getUserMedia({ video: wish })).getVideoTracks();
  try {
    const device = await giveFrames(track, give);
    track.onended = gone;
    return device;
  } catch (error) {
    track.stop();
    throw error;
  }
}

/** @param {MediaStreamTrack} track @param {import("./senses.js").Give} give @returns {Promise<import("./senses.js").Device>} */
async function giveFrames(track, give) {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { alpha: false });
  /** Sequence numbers of what was not answered yet. @type {Set<number>} */
  const underWay = new Set();
  /** @type {Shot | undefined} */
  let waiting;
  let last = Promise.resolve();
  let sequence = 0, passed = 0, sent = 0, from = performance.now();

  /** Compresses what waits, as soon as less is under way. */
  function next() {
    if (!waiting || !context || underWay.size >= UNDER_WAY) return;
    const { frame, captured, sequence } = waiting;
    waiting = undefined;
    underWay.add(sequence);
    const { displayWidth: width, displayHeight: height } = frame;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const wide = Math.max(1, Math.round(width * scale)), high = Math.max(1, Math.round(height * scale));
    // A canvas that is given its size anew is cleared: only where it differs.
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    context.drawImage(frame, 0, 0, wide, high);
    frame.close();
    const blob = canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    last = last.then(async () => {
      const given = give(0, 1, sequence, captured, await (await blob).arrayBuffer());
      if (given) sent++;
      else answered(sequence);
    }).catch(() => answered(sequence));
  }

  /** @param {number} sequence */
  function answered(sequence) {
    underWay.delete(sequence);
    next();
  }

  const end = await readFrames(track, (frame, captured) => {
    sequence++;
    if (waiting) { waiting.frame.close(); passed++; }
    waiting = { frame, captured, sequence };
    next();
  });
  return {
    close() {
      track.onended = null;
      end();
      track.stop();
      waiting?.frame.close();
      waiting = undefined;
    },
    answered,
    tell() {
      if (sequence === 0) return "starting";
      const now = performance.now();
      const rate = (1_000 * sent) / (now - from);
      sent = 0;
      from = now;
      return `${canvas.width} × ${canvas.height}, ${rate.toFixed(0)} fps${passed ? `, ${passed} passed over` : ""}`;
    },
  };
}
