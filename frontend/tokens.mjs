// Style sheets made by rule instead of by hand: the design tokens of tokens.json, and the classes by which
// the board places bars. No page carries a style attribute, so a time of day has to be a class.

const lines = (indent, values) =>
  Object.entries(values).map(([name, value]) => `${indent}--co-${name}: ${value};`).join("\n");

const pick = (colors, choose) =>
  Object.fromEntries(Object.entries(colors).map(([name, pair]) => [name, choose(pair)]));

/** Custom properties of every token: plain light values first, for browsers without light-dark(). */
export function tokensCss({ colors, sizes }) {
  return `:root {
${lines("  ", sizes)}
${lines("  ", pick(colors, ([light]) => light))}
}
@supports (color: light-dark(#000, #fff)) {
  :root {
    color-scheme: light dark;
${lines("    ", pick(colors, ([light, dark]) => `light-dark(${light}, ${dark})`))}
  }
  [data-bs-theme="light"] { color-scheme: light; }
  [data-bs-theme="dark"] { color-scheme: dark; }
}
`;
}

const HOURS = 48; // a shift that ends after midnight counts on: 25:30 is half past one

const rule = (name, property, count, factor) =>
  Array.from({ length: count }, (_, n) => `.${name}${n} { --${property}: ${n * factor}; }`).join("\n");

/**
 * Classes that carry minutes: `at-h10 at-m25` is 10:25, `for-h1 for-m30` is 90 minutes. The timeline's own
 * first hour and length are `from-h7 from-m30` and `span-h10 span-m30`. board.css does the arithmetic.
 */
export function clockCss() {
  return ["at", "for", "from", "span"]
    .flatMap((name) => [rule(`${name}-h`, `${name}-h`, HOURS, 60), rule(`${name}-m`, `${name}-m`, 60, 1)])
    .join("\n");
}
