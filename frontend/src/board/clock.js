// The now line moves between two answers of the server, by the territory's clock that the page gave.

const MINUTE_MS = 60_000;

export function startClock(board) {
  const place = () => {
    for (const mark of board.querySelectorAll("[data-now]")) {
      mark.dataset.from ??= String(Date.now());
      const minute = Number(mark.dataset.now) + Math.floor((Date.now() - Number(mark.dataset.from)) / MINUTE_MS);
      const classes = [...mark.classList].filter((name) => !/^at-[hm]\d+$/.test(name));
      mark.className = [...classes, `at-h${Math.floor(minute / 60)}`, `at-m${minute % 60}`].join(" ");
    }
  };
  place();
  setInterval(place, MINUTE_MS / 4);
}
