// @ts-check
// The microphone's sound thread: gathers chunks of 10 ms, each with the number of its first frame.

/** Frames of a chunk. */
const FRAMES = 480;

class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.pairs = new Float32Array(2 * FRAMES);
    this.filled = 0;
    this.channels = 1;
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    const [left, right] = input;
    // Without a device there is no input: what was gathered ends there.
    if (!left) { this.filled = 0; return true; }
    for (let i = 0; i < left.length; i++) {
      this.pairs[2 * this.filled] = left[i];
      this.pairs[2 * this.filled + 1] = (right ?? left)[i];
      if (right) this.channels = 2;
      if (++this.filled === FRAMES) this.send(currentFrame + i + 1 - FRAMES);
    }
    return true;
  }

  /** @param {number} frame number of the chunk's first */
  send(frame) {
    const { channels } = this;
    const samples = channels === 2 ? this.pairs.slice() : this.pairs.filter((_, i) => i % 2 === 0);
    this.port.postMessage({ frame, channels, samples }, [samples.buffer]);
    this.filled = 0;
    this.channels = 1;
  }
}

registerProcessor("napot-listener", Listener);
