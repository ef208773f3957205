// Keeps the badge on the phone fresh: a code is good for half a minute, and a new one comes long before.
"use strict";

const card = document.querySelector(".p-badge");
const code = card.querySelector(".p-badge-code");
const lost = document.getElementById("lost");
const every = Number(card.dataset.every) * 1000;
const life = Number(card.dataset.life) * 1000;
let asked = performance.now();
let fresh = asked;

async function refresh() {
  asked = performance.now();
  try {
    const began = asked;
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (answer.redirected) return location.reload();
    if (answer.status !== 200) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    code.src = page.querySelector(".p-badge-code").src;
    fresh = began;
  } catch {
    // What is shown stays good for a while; draw() says when it is not.
  }
  draw();
}

function draw() {
  const old = performance.now() - fresh > life;
  card.classList.toggle("stale", old);
  lost.hidden = !old;
}

// A phone that was put away comes back with the code of before.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) refresh();
});
setInterval(() => {
  draw();
  if (!document.hidden && performance.now() - asked >= every) refresh();
}, 1000);
