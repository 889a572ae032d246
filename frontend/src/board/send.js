// A move that is refused shows why in the Move dialog; one that succeeds leads to the board as it is then.
import { openDialog } from "../dialog.js";

/** Sends a form; `refused` gets the page that says why not. Without an answer the browser sends it itself. */
async function send(form, refused) {
  const options = { method: "POST", body: new FormData(form), redirect: "manual", headers: { Accept: "text/html" } };
  const answer = await fetch(form.action, options).catch(() => null);
  if (!answer) return form.submit();
  if (answer.type === "opaqueredirect") return location.assign(boardOf(form));
  if (answer.status !== 409 && answer.status !== 422) return form.submit();
  refused(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

/** The board of the day that the form moves a visit to, with the visit selected. */
function boardOf(form) {
  const address = new URL(form.action);
  address.pathname = address.pathname.replace(/\/move$/, "");
  address.searchParams.set("visit", form.elements.visit.value);
  return address;
}

export function enableSending(dialog) {
  const body = dialog.querySelector("[data-dialog-body]");
  const show = (page) => {
    const part = page.querySelector("[data-dialog-body]");
    if (!part) return location.reload();
    body.replaceChildren(...document.adoptNode(part).childNodes);
    openDialog(dialog, {});
    body.querySelector("#error-summary")?.focus();
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "drop-form" && !(dialog.contains(form) && form.elements.visit)) return;
    event.preventDefault();
    send(form, show);
  }, { capture: true });
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
}
