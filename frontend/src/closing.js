// Closing a visit: photos go as soon as they are taken, and the signature is drawn with a finger.

for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.querySelector("[data-no-script]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

const place = document.querySelector("[data-signature]");
if (place) {
  const form = place.closest("form");
  const canvas = place.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const ink = "#15201b";
  let drawn = false;
  place.hidden = false;
  clear();

  function clear() {
    pen.fillStyle = "#fff"; // on paper it is dark on white, whatever the phone shows
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn = false;
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.strokeStyle = ink;
    pen.lineWidth = 5;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
    drawn = true;
  });
  place.querySelector("[data-clear]").addEventListener("click", clear);

  form.addEventListener("formdata", ({ formData }) => {
    if (!drawn) return;
    const letters = atob(canvas.toDataURL("image/png").split(",")[1]);
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    formData.append("files", new File([bytes], "signature.png", { type: "image/png" }));
  });

  // With the outbox one tap signs and ends the visit: two items, in this order.
  const button = form.querySelector("[data-with-script]");
  const done = document.getElementById(form.dataset.followedBy)?.querySelector("form");
  if (done && document.getElementById("phone-words") && isSecureContext) {
    button.querySelector("span").textContent = button.dataset.withScript;
    form.addEventListener("kept", () => done.requestSubmit(done.querySelector("button")));
  }
}
