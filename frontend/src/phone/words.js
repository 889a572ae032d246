// The texts and icons that the page brings for what happens on the phone alone (templates/field/_offline.html).

const place = document.getElementById("phone-words");
const words = place?.dataset ?? {};

/** A text with its values: say("saved", { count: 3 }). */
export const say = (name, values = {}) =>
  (words[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));

/** A fresh icon. */
export function icon(name) {
  return place.querySelector(`template[data-icon="${name}"]`).content.firstElementChild.cloneNode(true);
}

/** An element with a class and children. */
export function element(tag, css, ...children) {
  const made = document.createElement(tag);
  made.className = css;
  made.append(...children);
  return made;
}

/** 1:05 pm, as the page's language writes it. */
export const clock = (ms) => new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(ms);

/** 240 kB, 1.2 MB. */
export function size(bytes) {
  const [number, unit] = bytes < 1_000_000 ? [Math.max(1, Math.round(bytes / 1000)), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(number);
}

/** How long ago something was: 12 min, 5 h. */
export function age(ms) {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  const [number, unit] = minutes < 60 ? [minutes, "minute"] : [Math.floor(minutes / 60), "hour"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit }).format(number);
}
