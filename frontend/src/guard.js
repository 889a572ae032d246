// The check of a visitor from where abuse was seen: solves the puzzle and sends the form. The code by message below
// stays for who has no script, or a browser that cannot.

function start(form) {
  const { worker: address, algorithm, challenge, salt, signature, most } = form.dataset;
  const worker = new Worker(address);
  const giveUp = () => { form.hidden = true; };
  worker.addEventListener("error", giveUp);
  worker.addEventListener("message", ({ data: number }) => {
    if (number === null) return giveUp();
    form.elements.solution.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
    return form.requestSubmit();
  });
  form.hidden = false;
  worker.postMessage({ challenge, salt, most: Number(most) });
}

start(document.getElementById("puzzle"));
