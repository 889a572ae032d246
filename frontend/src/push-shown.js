// In a service worker: shows what was pushed, and opens the page that it is about. Pages are named below the address that
// the worker serves, as that itself may be a secret which no notification carries.

/** `more()` is what else is done when something comes. */
export function showPushed(icon, more = async () => {}) {
  self.addEventListener("push", (event) => {
    const { title, body, page, tag } = event.data.json();
    const shown = self.registration.showNotification(title, { body, tag, renotify: true, icon, badge: icon, data: { page } });
    event.waitUntil(Promise.all([shown, more().catch(() => {})]));
  });
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(open(self.registration.scope + event.notification.data.page));
  });
}

async function open(url) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find((each) => each.url.startsWith(self.registration.scope));
  if (!tab) return self.clients.openWindow(url);
  await tab.focus();
  return tab.navigate(url);
}
