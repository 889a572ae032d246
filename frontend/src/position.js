// The technician's phone, on the way to a customer, with sharing switched on: sends where it is, while the page is
// in sight. The server refuses when the drive is over or sharing was switched off, and then nothing more is sent.

const PAUSE_MS = 32_000; // the server takes one in 30 seconds
const place = document.querySelector("[data-position]");
const token = document.querySelector("input[name=csrf_token]")?.value;
let timer = 0;

async function send({ coords, timestamp }) {
  place.hidden = true;
  const body = new URLSearchParams({
    latitude: coords.latitude,
    longitude: coords.longitude,
    age: Math.max(0, Math.floor((Date.now() - timestamp) / 1000)),
  });
  try {
    const answer = await fetch(place.dataset.position, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if ([401, 403, 404, 409].includes(answer.status)) clearInterval(timer);
  } catch {
    // no network on the road: the next one is newer anyway
  }
}

function look() {
  if (document.hidden) return;
  navigator.geolocation.getCurrentPosition(send, () => { place.hidden = false; }, {
    enableHighAccuracy: true,
    maximumAge: 0,
    timeout: 20_000,
  });
}

if (place && "geolocation" in navigator) {
  look();
  timer = setInterval(look, PAUSE_MS);
}

for (const element of document.querySelectorAll("[data-without-script]")) element.remove();
