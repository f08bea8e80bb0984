// What a sound thread's module finds there; the browser's own types are those of a page.

declare class AudioWorkletProcessor {
  /** The way to the page. */
  readonly port: MessagePort;
}
/** The first frame of the block that is asked for. */
declare const currentFrame: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
