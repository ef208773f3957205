// Shows how far reading has come; when it has ended, the page itself says how.
"use strict";

const EVERY_MS = 700;
const place = document.querySelector("[data-progress]");
const bar = place.querySelector("progress");
const status = place.querySelector("[data-said]");

async function look() {
  try {
    const answer = await fetch(place.dataset.progress, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (answer.status === 401) return location.reload();
    if (answer.ok) {
      const { state, rows, done } = await answer.json();
      if (state !== "reading") return location.reload();
      bar.value = done;
      status.textContent = status.dataset.said.replace("{}", rows.toLocaleString("en"));
    }
  } catch {
    // The next look may reach it.
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
