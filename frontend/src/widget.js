// On another site: puts the booking in the place of its own script element, as high as its page is.
//   <script src="https://booking.example/widget.js" data-service="heating" defer></script>

const script = document.currentScript;
const from = new URL(script.src);
const root = from.href.slice(0, from.href.lastIndexOf("/"));
const address = new URL(`${root}/embed/book`);
for (const name of ["service", "lang"]) {
  if (script.dataset[name]) address.searchParams.set(name, script.dataset[name]);
}

const frame = document.createElement("iframe");
frame.src = address;
frame.title = script.dataset.title || "Book a visit";
frame.width = "100%";
frame.height = "720";
// Through the object model: a strict policy of the site refuses style attributes.
frame.style.border = "0";
frame.style.display = "block";

let pages = 0;
frame.addEventListener("load", () => {
  frame.contentWindow.postMessage("booking-height", from.origin);
  // The next step begins at its top, wherever the last one was left.
  if (pages++ && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
});
addEventListener("message", ({ data, origin, source }) => {
  if (source !== frame.contentWindow || origin !== from.origin) return;
  const height = Number(data?.bookingHeight);
  if (height > 0) frame.height = String(Math.min(Math.ceil(height), 20000));
});
script.after(frame);
