// Keeps the day up to date: asks every three seconds and exchanges only the parts that have changed.
"use strict";

const EVERY_MS = 3000;
const board = document.getElementById("board");
const live = document.getElementById("live");
let etag = "";

function show(text, lost) {
  live.classList.toggle("lost", lost);
  const place = live.querySelector(".live-text");
  if (place.textContent !== text) place.textContent = text;
}

function opened(part) {
  return [...part.querySelectorAll("details[open]")].map((details) => details.dataset.keep);
}

function exchange(old, fresh) {
  const open = new Set(opened(old));
  const focused = old.contains(document.activeElement) ? document.activeElement.closest("details") : null;
  for (const details of fresh.querySelectorAll("details")) details.open = open.has(details.dataset.keep);
  old.replaceWith(fresh);
  if (focused) {
    const same = [...fresh.querySelectorAll("details")].find((d) => d.dataset.keep === focused.dataset.keep);
    same?.querySelector("summary")?.focus({ preventScroll: true });
  }
}

// What a reader has unfolded is no change of ours.
function content(part) {
  const copy = part.cloneNode(true);
  for (const details of copy.querySelectorAll("details")) details.open = false;
  return copy.outerHTML;
}

function names(parent) {
  return [...parent.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join();
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  if (names(fresh) !== names(board)) {
    board.replaceChildren(...fresh.childNodes);
    return;
  }
  const parts = [...fresh.querySelectorAll("[data-part]")];
  for (const [at, old] of [...board.querySelectorAll("[data-part]")].entries()) {
    if (content(old) !== content(parts[at])) exchange(old, document.adoptNode(parts[at]));
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(board.dataset.source, { headers, cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (answer.status === 401) return location.reload();
    if (answer.status === 200) {
      take(await answer.text());
      etag = answer.headers.get("ETag") ?? "";
    } else if (answer.status !== 304) {
      throw new Error(String(answer.status));
    }
    show(live.dataset.live, false);
  } catch {
    show(live.dataset.lost, true);
  }
}

async function loop() {
  await refresh();
  setTimeout(loop, EVERY_MS);
}

document.addEventListener("visibilitychange", refresh);
setTimeout(loop, EVERY_MS);
