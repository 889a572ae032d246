// What has just happened goes away by itself, but not while somebody is at it; Undo stays in the day bar.

const SHOWN_MS = 12_000;

export function fadeToast(toast) {
  if (!toast) return;
  const go = () => (toast.matches(":hover, :focus-within") ? setTimeout(go, SHOWN_MS) : toast.remove());
  setTimeout(go, SHOWN_MS);
}
