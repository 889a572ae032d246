// A move that is refused shows why in the Move dialog; one that succeeds leads to the board as it is then.
import { openDialog } from "../dialog.js";

/** Sends a form; `refused` gets the page that says why not, or what would happen. Without an answer the browser sends it itself. */
async function send(form, button, refused) {
  const options = { method: "POST", body: new FormData(form, button), redirect: "manual", headers: { Accept: "text/html" } };
  const answer = await fetch(form.action, options).catch(() => null);
  if (!answer) return form.submit();
  if (answer.type === "opaqueredirect") return location.assign(boardOf(form));
  if (![200, 409, 422].includes(answer.status)) return form.submit();
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
    body.querySelector("#error-summary, #checked")?.focus();
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "drop-form" && !(dialog.contains(form) && form.elements.visit)) return;
    event.preventDefault();
    send(form, event.submitter, show);
  }, { capture: true });
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
}
