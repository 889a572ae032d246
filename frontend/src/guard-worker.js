// Tries numbers until one has the given hash, beside the page.
import { sha256 } from "./guard/sha256.js";

addEventListener("message", ({ data: { challenge, salt, most } }) => {
  for (let number = 0; number <= most; number++) {
    if (sha256(`${salt}${number}`) === challenge) return postMessage(number);
  }
  return postMessage(null);
});
