// @ts-check
// Sound on the page: starts only when asked, fades in, and says how well it runs.

/** The engine's rate; the browser resamples to the device's. */
const RATE = 48_000;

/** @typedef {{ buffered_ms: number, underruns: number, skipped: number, received: number, level: number }} Report */

/** @param {(wanted: boolean) => void} ask tells the server @param {(text: string, playing: boolean) => void} tell */
export function soundPlayer(ask, tell) {
  /** @type {{ context: AudioContext, node: AudioWorkletNode } | undefined} */
  let player;
  let playing = false, wanted = false, busy = false;

  async function make() {
    if (!isSecureContext) throw new Error("a browser plays it only on a page of its own machine (forward the port)");
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "balanced" });
    await context.audioWorklet.addModule("/player.js");
    const node = new AudioWorkletNode(context, "napot-player", { numberOfInputs: 0, outputChannelCount: [2] });
    node.connect(context.destination);
    node.port.onmessage = (event) => {
      const report = /** @type {Report} */ (event.data);
      if (!playing) return;
      const kind = context.state === "running" ? "" : `${context.state}, `;
      tell(`${kind}${report.buffered_ms.toFixed(0)} ms buffered, ${report.underruns} underruns`, true);
      document.body.dataset.sound = JSON.stringify({ state: context.state, ...report });
    };
    return { context, node };
  }

  async function start() {
    player ??= await make();
    await player.context.resume();
    player.node.port.postMessage({ play: true });
    playing = true;
    ask(true);
    tell("starting", true);
  }

  async function stop() {
    playing = false;
    ask(false);
    player?.node.port.postMessage({ play: false });
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
        tell(`no sound: ${error instanceof Error ? error.message : error}`, false);
      } finally {
        busy = false;
      }
    },
    /** Goes on as fast as model time does. @param {number} pace model time over real time; 0 stands still */
    follow(pace) { player?.node.port.postMessage({ pace }); },
    /** @param {Float32Array} samples left and right in turn */
    push(samples) {
      if (!playing || !player) return;
      const copy = samples.slice();
      player.node.port.postMessage({ samples: copy }, [copy.buffer]);
    },
  };
}
