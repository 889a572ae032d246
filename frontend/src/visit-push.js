// The switch for notifications on a customer's private page. Each visit has a worker of its own, whose address is the
// page's: what is sent need not name it.
import { showSwitch } from "./push.js";

const place = document.querySelector("[data-push]");
const scope = place?.dataset.pushOnUrl.replace(/\/push$/, "");
const current = async () => (await navigator.serviceWorker.getRegistrations()).find((each) => new URL(each.scope).pathname === scope);

showSwitch({
  register: async () => {
    const found = await navigator.serviceWorker.register("/visit/worker.js", { scope, updateViaCache: "none" });
    const worker = found.installing ?? found.waiting;
    if (!found.active && worker) await new Promise((resolve) => {
      worker.addEventListener("statechange", () => { if (worker.state === "activated") resolve(); });
    });
    return found;
  },
  token: async () => place.dataset.pushToken,
  isOn: async () => Boolean(await (await current())?.pushManager.getSubscription()),
  changed: async (on) => { if (!on) await (await current())?.unregister(); },
});
