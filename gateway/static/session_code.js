// Shows the code of the moment: asks when it changes, and every three seconds for who has come.
"use strict";

const EVERY_MS = 3000;
const TICK_MS = 200;
const main = document.getElementById("now");
const lost = document.getElementById("lost");
let until = 0;
let answerUntil = 0;
let step = 10000;

function begin() {
  const now = main.querySelector(".w-now");
  step = Number(now.dataset.step) * 1000;
  until = performance.now() + Number(now.dataset.left) * 1000;
  answerUntil = performance.now() + Number(now.querySelector(".w-check").dataset.left) * 1000;
}

function draw() {
  const left = Math.max(0, until - performance.now());
  main.querySelector(".w-ring-left")?.setAttribute("stroke-dashoffset", String(100 - (100 * left) / step));
  const seconds = main.querySelector(".w-seconds");
  if (seconds) seconds.textContent = String(Math.ceil(left / 1000));
  const toAnswer = main.querySelector(".w-check-left");
  const rest = Math.max(0, Math.floor((answerUntil - performance.now()) / 1000));
  if (toAnswer) toAnswer.textContent = `${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, "0")}`;
}

function content(part) {
  if (part.matches(".w-check")) return part.dataset.check;
  const code = part.querySelector("img");
  return code ? code.src + part.querySelector(".w-letters").textContent : part.innerHTML;
}

// What has not changed is left alone, so that readers do not hear it again and cameras see no flicker.
function exchange(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".w-now");
  const old = main.querySelector(".w-now");
  const left = fresh.querySelector(".w-check").dataset.left;
  for (const name of [".w-check", ".w-code", ".w-what"]) {
    const [before, after] = [old.querySelector(name), fresh.querySelector(name)];
    if (content(before) !== content(after)) before.replaceWith(document.adoptNode(after));
  }
  old.dataset.left = fresh.dataset.left;
  main.querySelector(".w-check").dataset.left = left;
  begin();
}

async function refresh() {
  try {
    const answer = await fetch(main.dataset.source, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (answer.status === 401) return location.reload();
    if (answer.status !== 200) throw new Error(String(answer.status));
    exchange(await answer.text());
    lost.hidden = true;
    main.classList.remove("stale");
  } catch {
    lost.hidden = false;
    main.classList.toggle("stale", performance.now() > until);
  }
}

async function loop() {
  await refresh();
  const left = until - performance.now();
  setTimeout(loop, left > 0 ? Math.min(EVERY_MS, left + 60) : EVERY_MS / 3);
}

begin();
draw();
setInterval(draw, TICK_MS);
setTimeout(loop, Math.min(EVERY_MS, until - performance.now() + 60));
