// @ts-check
// The power of a short stretch of samples, by a fast Fourier transform (radix 2, decimation in time).

/** A transform of `size` samples, a power of two, under a Hann window. @param {number} size */
export function powerOf(size) {
  const bits = Math.log2(size);
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const share = window.reduce((sum, w) => sum + w * w, 0);
  const turned = Uint32Array.from({ length: size }, (_, i) => {
    let out = 0;
    for (let bit = 0; bit < bits; bit++) if (i & (1 << bit)) out |= 1 << (bits - 1 - bit);
    return out;
  });
  const cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size));
  const re = new Float64Array(size), im = new Float64Array(size), power = new Float64Array(size / 2);
  /** The one-sided power density of `samples` taken `rate` times a second; the array is reused.
   * @param {ArrayLike<number>} samples @param {number} rate */
  return (samples, rate) => {
    for (let i = 0; i < size; i++) {
      re[turned[i]] = samples[i] * window[i];
      im[turned[i]] = 0;
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k, b = a + half, c = cosines[k * stride], s = sines[k * stride];
          const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
    for (let i = 0; i < power.length; i++) power[i] = (2 * (re[i] * re[i] + im[i] * im[i])) / (share * rate);
    return power;
  };
}
