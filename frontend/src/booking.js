// Booking, address: suggestions while typing. Without script the page searches by its own button.

const PAUSE_MS = 200;
const LEAST_LETTERS = 3;

/** A combobox as in the ARIA patterns: focus stays in the input, arrows move through the list. */
function combobox(input) {
  const list = document.getElementById(input.getAttribute("aria-controls"));
  const status = document.getElementById("status");
  let timer = 0;
  let running = null;
  let current = -1;
  let asked = "";

  const options = () => [...list.querySelectorAll("[role=option]")];

  const close = () => {
    list.hidden = true;
    current = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const show = (html) => {
    list.innerHTML = html;
    current = -1;
    const found = options().length;
    list.hidden = found === 0;
    input.setAttribute("aria-expanded", String(found > 0));
    input.removeAttribute("aria-activedescendant");
    if (status) status.textContent = list.firstElementChild?.dataset.found ?? "";
  };

  const search = async () => {
    running?.abort();
    running = new AbortController();
    const url = new URL(input.dataset.suggest, location.href);
    const typed = input.value;
    url.searchParams.set("q", typed);
    try {
      const answer = await fetch(url, { signal: running.signal });
      if (!answer.ok) return;
      show(await answer.text());
      asked = typed;
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };

  const mark = (index) => {
    const all = options();
    if (all.length === 0) return;
    current = (index + all.length) % all.length;
    all.forEach((option, at) => option.setAttribute("aria-selected", String(at === current)));
    input.setAttribute("aria-activedescendant", all[current].id);
    all[current].scrollIntoView({ block: "nearest" });
  };

  const choose = (option) => {
    // The list is of what was typed when it was asked for: a digit that came later must not be lost.
    if (input.value !== asked) return search();
    input.value = option.dataset.value;
    close();
    // The page's own search takes the chosen address; it works the same without script.
    input.form.requestSubmit(document.getElementById(input.dataset.submit));
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim().length < LEAST_LETTERS) return close();
    timer = setTimeout(search, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    if (list.hidden) return;
    if (event.key === "ArrowDown") mark(current + 1);
    else if (event.key === "ArrowUp") mark(current - 1);
    else if (event.key === "Enter" && current >= 0) choose(options()[current]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  // An answer that comes late must not open the list over what is used by then.
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    running?.abort();
    close();
  });
}

for (const input of document.querySelectorAll("[role=combobox][data-suggest]")) combobox(input);

// The button names what it does: "Continue with 10 am – 12 pm".
function nameButton(button) {
  button.dataset.plain ??= button.textContent.trim();
  const chosen = button.form.querySelector("input[type=radio]:checked");
  const title = chosen?.closest("label").querySelector(".choice-title")?.textContent.trim();
  button.textContent = title ? button.dataset.withChoice.replace("{choice}", title) : button.dataset.plain;
}

const nameButtons = () => document.querySelectorAll("[data-with-choice]").forEach(nameButton);
document.addEventListener("change", nameButtons);
nameButtons();

// Another day was picked: its windows have replaced the old ones, and reading goes on at their heading. When
// further windows come in by themselves, what is picked stays picked.
const pickedWindow = () => document.querySelector("input[type=radio][name=window]:checked");
let picked = "";
document.addEventListener("htmx:before:swap", () => {
  picked = pickedWindow()?.value ?? "";
});
document.addEventListener("htmx:after:swap", (event) => {
  const again = picked && !pickedWindow() && document.querySelector(`input[name=window][value="${picked}"]`);
  if (again) again.checked = true;
  nameButtons();
  const { target } = event.detail.ctx;
  if (target.id === "windows") target.querySelector("[data-focus]")?.focus();
  if (target.id === "gone-windows") document.getElementById("gone-heading")?.focus();
});

// What stands in for scripts is not needed once they run.
for (const element of document.querySelectorAll("[data-without-script]")) element.remove();

// Who comes back by the browser's own button finds the picked card restored, but not what belongs to it. On a slow
// phone the card is restored, or htmx ready, only after the page is shown: so it is asked until something is fetched.
let fetched = false;
document.addEventListener("htmx:before:request", () => {
  fetched = true;
});

function fetchRestored() {
  const restored = document.querySelector(".service-cards input:checked");
  if (!fetched && restored && !restored.defaultChecked) restored.dispatchEvent(new Event("change", { bubbles: true }));
}

window.addEventListener("pageshow", () => {
  fetched = false;
  for (const wait of [0, 300, 1500]) setTimeout(fetchRestored, wait);
});
