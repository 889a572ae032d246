// Every page: small improvements on pages that work without script.
import { openDialog } from "./dialog.js";

const status = document.getElementById("status");

/** Says a sentence to screen readers through the page's one live region. */
function announce(text) {
  if (status) status.textContent = text;
}

// Dialogs. The opener is a link to the same content as a page, so a click with a modifier key still follows it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const dialog = document.getElementById(opener.dataset.dialog);
  if (!dialog) return;
  event.preventDefault();
  openDialog(dialog, { href: opener.href, fragment: opener.dataset.fragment, title: opener.dataset.dialogTitle });
});

// An open details menu closes on Escape and on a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A form is sent once: the second click of a double click does nothing. The page may come back from the
// browser's memory, so the mark goes when it is shown again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A swap that replaces the focused element loses the focus: give it to the element with the same id, or to the
// summary of errors when the swap brought one.
const errorSummary = () => document.getElementById("error-summary");
let focused = null;
let oldSummary = null;
document.addEventListener("htmx:before:swap", () => {
  focused = document.activeElement?.id || null;
  oldSummary = errorSummary();
});
document.addEventListener("htmx:after:swap", () => {
  const summary = errorSummary();
  if (summary && summary !== oldSummary) return summary.focus();
  const target = focused && document.getElementById(focused);
  if (target && document.activeElement !== target) target.focus({ preventScroll: true });
});

// While a request runs its target is busy. `data-announce` on what arrives is spoken once.
const busy = (event, on) => event.detail?.ctx?.target?.setAttribute?.("aria-busy", String(on));
document.addEventListener("htmx:before:request", (event) => busy(event, true));
document.addEventListener("htmx:finally:request", (event) => busy(event, false));
document.addEventListener("htmx:after:swap", () => {
  const news = document.querySelector("[data-announce]");
  if (!news) return;
  announce(news.dataset.announce);
  delete news.dataset.announce;
});
