// A dialog shows what a page of its own shows, too: `href` is that page, `fragment` the part for the dialog.

/** Opens the dialog, filled from `fragment` when there is one; a failed load goes to the page instead.
 *  `title` tells apart what the same dialog is opened for. */
export async function openDialog(dialog, { href, fragment, title }) {
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
  if (title) dialog.querySelector("h2").textContent = title;
  if (!dialog.open) dialog.showModal();
}
