// @ts-check
// The sound thread.

import { Player } from "./playback.js";

class Thread extends AudioWorkletProcessor {
  constructor() {
    super();
    this.player = new Player((report) => this.port.postMessage(report));
    this.port.onmessage = (event) => this.player.take(event.data);
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const [left, right] = outputs[0];
    this.player.fillNext(left, right);
    return true;
  }
}

registerProcessor("napot-player", Thread);
