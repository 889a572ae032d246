// The booking inside a frame of another site: tells that site, and no other, how high the page is.

const hosts = document.currentScript.dataset.hosts.split(" ");
let host = "";

function tell() {
  if (host) parent.postMessage({ bookingHeight: Math.ceil(document.body.getBoundingClientRect().height) }, host);
}

// The site's script asks on every page; the browser says who it is.
addEventListener("message", ({ data, origin, source }) => {
  if (source !== parent || data !== "booking-height" || !hosts.includes(origin)) return;
  host = origin;
  tell();
});
new ResizeObserver(tell).observe(document.body);
