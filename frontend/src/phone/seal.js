// Sealing: AES-GCM with a key that the server gives to one user alone. The browser keeps it so that no script can read
// it out, and only as long as that user is signed in.

export async function keyFrom(base64) {
  const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function seal(key, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes) };
}

/** Raises an OperationError for another user's key. */
export const unseal = async (key, { iv, data }) => crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);

export const sealWords = (key, value) => seal(key, new TextEncoder().encode(JSON.stringify(value)));
export const unsealWords = async (key, sealed) => JSON.parse(new TextDecoder().decode(await unseal(key, sealed)));

export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
