// The serial number of a piece of equipment by the camera, where the browser reads bar codes; elsewhere it is typed.

const EVERY_MS = 250;
const LONGEST_MS = 60_000;
// Codes have separators in them that nobody types and no form takes: a space keeps the parts of the number apart.
const UNTYPED = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu;
const typed = (code) => code.replace(UNTYPED, " ").trim();

for (const place of document.querySelectorAll("[data-scan]")) {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) break;
  place.hidden = false;
  const video = place.querySelector("video");
  const button = place.querySelector("[data-scan-start]");
  button.addEventListener("click", () => scan(place, video, button));
}

async function scan(place, video, button) {
  const said = place.querySelector("[role=status]");
  said.textContent = "";
  button.disabled = true;
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    const number = await firstCode(new BarcodeDetector(), video);
    if (number) place.closest("form").elements.serial.value = [...number].slice(0, 80).join("");
  } catch {
    said.textContent = said.dataset.none;
  } finally {
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
    button.disabled = false;
  }
}

async function firstCode(detector, video) {
  for (const end = Date.now() + LONGEST_MS; Date.now() < end;) {
    const [code] = await detector.detect(video);
    const number = code && typed(code.rawValue);
    if (number) return number;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return "";
}
