// @ts-check
// The microphone: its sound at 48 kHz in chunks, each with the time at which it was captured.

import { deviceClock } from "./clock.js";

/** The run's rate; the browser resamples from the device's. */
const RATE = 48_000;
/** Chunks that are looked at for the one that came soonest: 5 s. */
const ARRIVALS = 500;
/** What this device must not do to the sound: the run wants it as it is. */
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Opens the microphone. `give` takes sound and says whether it was sent; `gone` hears that the device is no more.
 * @param {import("./senses.js").Give} give @param {() => void} gone @returns {Promise<import("./senses.js").Device>} */
export async function openMicrophone(give, gone) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { ...PLAIN, channelCount: { ideal: 2 } } });
  const [track] = stream.getAudioTracks();
  const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  const close = () => {
    track.onended = null;
    track.stop();
    void context.close();
  };
  try {
    await context.audioWorklet.addModule("/listener.js");
    const node = new AudioWorkletNode(context, "napot-listener", { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    const latency = 1_000 * (/** @type {{ latency?: number }} */ (track.getSettings()).latency ?? 0);
    const pageTime = deviceClock(ARRIVALS);
    let sequence = 0, left = 0, channels = 0;
    node.port.onmessage = ({ data }) => {
      channels = data.channels;
      const frames = data.samples.length / channels;
      // A chunk comes once its last frame is there.
      const end = pageTime((1_000 * (data.frame + frames)) / RATE, performance.now());
      const captured = end - (1_000 * frames) / RATE - latency;
      if (!give(channels, frames, ++sequence, captured, data.samples.buffer)) left++;
    };
    track.onended = gone;
    // Some browsers let sound flow only once somebody has clicked.
    if (context.state !== "running") document.addEventListener("pointerdown", () => context.resume(), { once: true });
    void context.resume();
    return {
      close,
      answered() {},
      tell() {
        if (context.state !== "running") return "click anywhere to let its sound flow";
        if (channels === 0) return "starting";
        return `48 kHz ${channels === 1 ? "mono" : "stereo"}${left ? `, ${left} chunks left out` : ""}`;
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
