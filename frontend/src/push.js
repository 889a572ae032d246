// Notifications in the browser: the switch on a page, and what the page says to the server. A browser gives each
// registration of a service worker one address of its own; without one nothing is sent.

const able = () => isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** The browser's subscription, made anew when it was for another key of the server. */
async function subscribed(registration, key) {
  const old = await registration.pushManager.getSubscription();
  const its = old?.options?.applicationServerKey;
  if (its && text(its) === key) return old;
  await old?.unsubscribe();
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

async function post(url, fields, csrf) {
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": csrf } });
  if (!answer.ok) throw new Error(`${answer.status}`);
}

/** Tells the server where this browser is notified. Throws without a signal, or without permission. */
export async function turnOn(registration, { key, url, csrf, first = "" }) {
  const { endpoint, keys } = (await subscribed(registration, key)).toJSON();
  await post(url, { endpoint, p256dh: keys.p256dh, auth: keys.auth, first }, csrf);
}

/** The browser takes nothing any more; its address answers 410 from now on, which the server learns if not told. */
export async function turnOff(registration, tell) {
  const subscription = await registration?.pushManager?.getSubscription();
  if (!subscription) return;
  await subscription.unsubscribe();
  await tell?.(subscription.endpoint)?.catch(() => {});
}

/** Fills in the switch. `register()` gives the registration, `token()` a token for forms, `changed(on)` is told. */
export async function showSwitch({ register, token, isOn, changed = () => {} }) {
  const place = document.querySelector("[data-push]");
  if (!place || !able()) return;
  const { push: key, pushOnUrl, pushOffUrl } = place.dataset;
  const part = (name) => place.querySelector(`[data-push-${name}]`);
  const show = (on, failed = false) => {
    const refused = Notification.permission === "denied";
    part("on").hidden = on;
    part("off").hidden = !on;
    part("refused").hidden = !refused;
    part("failed").hidden = !failed || refused;
  };
  const attempt = (on, work) => async () => {
    try {
      show(await work());
    } catch (error) {
      console.warn(`notifications: ${error.name} ${error.message}`);
      show(!on, true);
    }
  };
  part("on").onclick = attempt(true, async () => {
    if (await Notification.requestPermission() !== "granted") return false;
    await turnOn(await register(), { key, url: pushOnUrl, csrf: await token(), first: "y" });
    await changed(true);
    return true;
  });
  part("off").onclick = attempt(false, async () => {
    const csrf = await token();
    await turnOff(await register(), (endpoint) => post(pushOffUrl, { endpoint }, csrf));
    await changed(false);
    return false;
  });
  show(Notification.permission === "granted" && await isOn());
  place.hidden = false;
}
