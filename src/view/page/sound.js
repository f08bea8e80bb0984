// @ts-check
// Sound on the page: starts only when asked, fades in, and says how well it runs. Its volume is this page's alone.

import { byId, say } from "./canvas.js";
import { Player } from "./playback.js";

/** @import { Message, Report } from "./playback.js" */

/** The engine's rate; the browser resamples to the device's. */
const RATE = 48_000;
/** Frames of a block where the page's own thread plays, and of the pieces that it is made of, as a sound thread has them. */
const BLOCK = 2048, PIECE = 128;
/** How fast the volume follows the slider, in s. */
const GLIDE = 0.02;

/** Plays by a sound thread. @param {AudioContext} context @param {(report: Report) => void} report */
async function byThread(context, report) {
  await context.audioWorklet.addModule("/player.js");
  const node = new AudioWorkletNode(context, "napot-player", { numberOfInputs: 0, outputChannelCount: [2] });
  node.port.onmessage = (event) => report(event.data);
  /** @param {Message} message */
  const take = (message) => node.port.postMessage(message, message.samples ? [message.samples.buffer] : []);
  return { node, take };
}

/** Plays by the page's own thread: a browser has no other for a page of another machine over plain HTTP.
 * @param {AudioContext} context @param {(report: Report) => void} report */
function byPage(context, report) {
  const node = context.createScriptProcessor(BLOCK, 0, 2), player = new Player(report);
  node.onaudioprocess = ({ outputBuffer }) => {
    const left = outputBuffer.getChannelData(0), right = outputBuffer.getChannelData(1);
    for (let at = 0; at < BLOCK; at += PIECE) player.fillNext(left.subarray(at, at + PIECE), right.subarray(at, at + PIECE));
  };
  /** @param {Message} message */
  const take = (message) => player.take(message);
  return { node, take };
}

/**
 * @param {(wanted: boolean) => void} ask tells the server @param {(text: string, playing: boolean) => void} tell
 * @param {(why: string) => void} fail told why it can't be played @param {() => void} changed told that the volume is another
 */
export function soundPlayer(ask, tell, fail, changed) {
  /** @type {{ context: AudioContext, gain: GainNode, take(message: Message): void } | undefined} */
  let player;
  let playing = false, wanted = false, busy = false, pace = 1;
  const slider = /** @type {HTMLInputElement} */ (byId("volume"));

  /** In dB. */
  const volume = () => Number(slider.value);
  const gain = () => 10 ** (volume() / 20);
  function follow() {
    const text = `${String(volume()).replace("-", "−")} dB`;
    say(byId("volume-told"), text);
    slider.setAttribute("aria-valuetext", text);
    player?.gain.gain.setTargetAtTime(gain(), player.context.currentTime, GLIDE);
  }
  slider.addEventListener("input", follow);
  slider.addEventListener("change", changed);

  async function make() {
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "balanced" });
    const volume = new GainNode(context, { gain: gain() });
    const report = (/** @type {Report} */ report) => {
      if (!playing) return;
      const kind = context.state === "running" ? "" : `${context.state}, `;
      // What waits in slow motion takes longer to be heard.
      const behind = report.buffered_ms / pace + 1000 * (context.outputLatency || context.baseLatency);
      tell(`${kind}${behind.toFixed(0)} ms behind, ${report.underruns} underruns`, true);
      document.body.dataset.sound = JSON.stringify({ state: context.state, behind, gain: volume.gain.value, ...report });
    };
    const { node, take } = context.audioWorklet ? await byThread(context, report) : byPage(context, report);
    node.connect(volume).connect(context.destination);
    return { context, gain: volume, take };
  }

  async function start() {
    player ??= await make();
    await player.context.resume();
    player.take({ play: true });
    playing = true;
    ask(true);
    tell("starting", true);
  }

  async function stop() {
    playing = false;
    ask(false);
    player?.take({ play: false });
    tell("off", false);
    // The fade needs a moment before the device goes.
    await new Promise((done) => setTimeout(done, 120));
    if (!playing) await player?.context.suspend();
  }

  return {
    async toggle() {
      wanted = !wanted;
      // What is asked for while it starts or stops is done after that.
      if (busy) return;
      busy = true;
      try {
        while (playing !== wanted) await (wanted ? start() : stop());
      } catch (error) {
        playing = wanted = false;
        ask(false);
        const why = `no sound: ${error instanceof Error ? error.message : error}`;
        tell(why, false);
        fail(why);
      } finally {
        busy = false;
      }
    },
    /** This page's, in dB. */
    volume,
    /** @param {number} db at most 0 */
    setVolume(db) {
      slider.value = String(db);
      follow();
    },
    /** Goes on as fast as model time does. @param {number} now model time over real time; 0 stands still */
    follow(now) {
      pace = now || pace;
      player?.take({ pace: now });
    },
    /** @param {Float32Array} samples left and right in turn */
    push(samples) {
      if (playing) player?.take({ samples: samples.slice() });
    },
  };
}
