// A dialog shows what a page of its own shows, too: `href` is that page, `fragment` the part for the dialog.

/** Opens the dialog, filled from `fragment` when there is one; a failed load goes to the page instead. */
export async function openDialog(dialog, { href, fragment }) {
  if (fragment) {
    const answer = await fetch(fragment, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) {
      location.assign(href);
      return;
    }
    const body = dialog.querySelector("[data-dialog-body]");
    body.innerHTML = await answer.text();
    window.htmx?.process(body);
  }
  if (!dialog.open) dialog.showModal();
}
