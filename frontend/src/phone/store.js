// What this phone keeps in IndexedDB: items that wait to be sent, and who is signed in. The words and files of an item are
// sealed with its user's key; only kind, size and times can be read without it.
import { openDB } from "idb";

const NAME = "fieldservice-phone";
const VERSION = 1;
export const WAITING = "waiting";
export const REFUSED = "refused"; // the server said no, and the office does not have it yet
export const WITH_OFFICE = "with office"; // the office has it and decides

let opened = null;

function database() {
  opened ??= openDB(NAME, VERSION, {
    upgrade(db) {
      db.createObjectStore("items", { keyPath: "seq", autoIncrement: true });
      db.createObjectStore("bodies");
      db.createObjectStore("facts");
    },
    // Another tab has a newer version of this script, or wants to take the database away.
    blocking(_old, _new, event) {
      opened = null;
      event.target.close();
    },
    terminated() {
      opened = null;
    },
  }).catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

export const fact = async (name) => (await database()).get("facts", name);
export const setFact = async (name, value) => (await database()).put("facts", value, name);
export const dropFact = async (name) => (await database()).delete("facts", name);

/** Writes an item with its sealed body: both or none, and on disk before this returns. Gives back its number. */
export async function addItem(item, body) {
  const tx = (await database()).transaction(["items", "bodies"], "readwrite", { durability: "strict" });
  const seq = await tx.objectStore("items").add(item);
  await tx.objectStore("bodies").put(body, seq);
  await tx.done;
  return seq;
}

/** All items in the order in which they were written, of every user. */
export const items = async () => (await database()).getAll("items");
export const bodyOf = async (seq) => (await database()).get("bodies", seq);

/** Changes some values of an item; null when it has gone meanwhile. */
export async function change(seq, values) {
  const tx = (await database()).transaction("items", "readwrite", { durability: "strict" });
  const item = await tx.store.get(seq);
  if (item) await tx.store.put({ ...item, ...values });
  await tx.done;
  return item ? { ...item, ...values } : null;
}

/** The office has the item: what it says leaves the phone, its line in the list stays. */
export async function handedOver(seq) {
  const tx = (await database()).transaction(["items", "bodies"], "readwrite");
  const item = await tx.objectStore("items").get(seq);
  if (item) await tx.objectStore("items").put({ ...item, state: WITH_OFFICE });
  await tx.objectStore("bodies").delete(seq);
  await tx.done;
}

/** The server has it: nothing of it stays. */
export async function remove(seq) {
  const tx = (await database()).transaction(["items", "bodies"], "readwrite");
  await tx.objectStore("items").delete(seq);
  await tx.objectStore("bodies").delete(seq);
  await tx.done;
}

/** Lines of what the office has: nobody needs them after a sign-out. What is unsent stays. */
export async function dropHandedOver() {
  const tx = (await database()).transaction("items", "readwrite");
  for (const item of await tx.store.getAll()) if (item.state === WITH_OFFICE) await tx.store.delete(item.seq);
  await tx.done;
}
