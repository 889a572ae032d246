// SHA-256 of short texts. The browser's own is not there on pages without TLS, and slower for one block at a time.

const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const primes = [];
for (let number = 2; primes.length < 64; number++) {
  if (primes.every((prime) => number % prime)) primes.push(number);
}
const START = primes.slice(0, 8).map((prime) => fraction(prime ** 0.5));
const ROUNDS = primes.map((prime) => fraction(Math.cbrt(prime)));
const turn = (word, by) => (word >>> by) | (word << (32 - by));

function padded(bytes) {
  const blocks = new DataView(new ArrayBuffer(((bytes.length + 8) >> 6) * 64 + 64));
  bytes.forEach((byte, at) => blocks.setUint8(at, byte));
  blocks.setUint8(bytes.length, 0x80);
  blocks.setUint32(blocks.byteLength - 4, bytes.length * 8);
  return blocks;
}

function mix(state, block, from, words) {
  for (let at = 0; at < 64; at++) {
    if (at < 16) words[at] = block.getInt32(from + at * 4);
    else {
      const [early, late] = [words[at - 15], words[at - 2]];
      const low = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const high = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[at] = (words[at - 16] + low + words[at - 7] + high) | 0;
    }
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let at = 0; at < 64; at++) {
    const choice = (e & f) ^ (~e & g);
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + ROUNDS[at] + words[at]) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => { state[at] = (state[at] + word) | 0; });
}

const encoder = new TextEncoder();
const words = new Int32Array(64);

/** The hash of a text in hexadecimal. */
export function sha256(text) {
  const state = Int32Array.from(START);
  const blocks = padded(encoder.encode(text));
  for (let from = 0; from < blocks.byteLength; from += 64) mix(state, blocks, from, words);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
