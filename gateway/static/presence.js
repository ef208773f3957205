// Asks every few seconds whether this learner is asked to show that they are still there, and makes it known.
"use strict";

const EVERY_MS = 8000;
const LONGEST_MS = 30000;
const TICK_MS = 200;
const BUZZ_MS = [400, 200, 400, 200, 400];
const place = document.getElementById("check");
const lost = document.getElementById("check-lost");
const over = new Set();
const title = shown() ? document.title.replace(`${shown().dataset.title} · `, "") : document.title;
let until = 0;
let wait = EVERY_MS;

function shown() {
  return place.querySelector(".c-check");
}

// What has been answered, or has run out, does not come back with an answer that was on its way already.
function end(text, tone) {
  over.add(shown().dataset.check);
  const said = document.createElement("p");
  said.className = `c-said ${tone}`;
  said.setAttribute("role", "alert");
  said.textContent = text;
  place.replaceChildren(said);
  document.title = title;
}

function draw() {
  const check = shown();
  if (!check) return;
  const left = Math.max(0, Math.floor((until - performance.now()) / 1000));
  check.querySelector(".c-left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0) end(check.dataset.over, "wait");
}

function beep() {
  const sound = new AudioContext();
  const volume = new GainNode(sound, { gain: 0.2 });
  const tone = new OscillatorNode(sound, { frequency: 880 });
  tone.connect(volume).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.5);
  setTimeout(() => sound.close(), 1000);
}

// A browser in which nobody has touched anything yet refuses both, and complains.
function ring() {
  if (navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(BUZZ_MS);
  if (window.AudioContext) beep();
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const words = shown().dataset;
  try {
    const body = new URLSearchParams(new FormData(form));
    const signal = AbortSignal.timeout(8000);
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual", signal });
    if (answer.status >= 500) throw new Error(String(answer.status));
    if (!shown()) return;
    if (answer.type === "opaqueredirect") return end(words.thanks, "go");
    if (answer.status === 409) return end(words.over, "wait");
    location.reload();
  } catch {
    const note = form.querySelector("p") ?? form.appendChild(document.createElement("p"));
    note.setAttribute("role", "alert");
    note.textContent = words.failed;
  }
}

function begin() {
  const check = shown();
  document.title = `${check.dataset.title} · ${title}`;
  check.querySelector(".c-left").hidden = false;
  check.querySelector("form").addEventListener("submit", send);
  draw();
  // Whoever is writing something is left at it.
  if (document.activeElement === document.body) check.querySelector("button").focus();
  ring();
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".c-check");
  if (fresh && over.has(fresh.dataset.check)) return;
  const before = shown()?.dataset.check;
  if (fresh) until = performance.now() + Number(fresh.dataset.left) * 1000;
  if (fresh?.dataset.check === before) return;
  if (fresh) {
    place.replaceChildren(document.adoptNode(fresh));
    begin();
  } else {
    place.replaceChildren();
    document.title = title;
  }
}

async function refresh() {
  try {
    const answer = await fetch(place.dataset.source, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.text());
    wait = EVERY_MS;
  } catch {
    wait = Math.min(2 * wait, LONGEST_MS);
  }
  if (lost) lost.hidden = wait < LONGEST_MS;
}

// A class opens the page in the same minute; it need not ask in the same second.
async function loop() {
  await refresh();
  setTimeout(loop, wait * (0.75 + Math.random() / 4));
}

if (shown()) {
  until = performance.now() + Number(shown().dataset.left) * 1000;
  begin();
}
setInterval(draw, TICK_MS);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
window.addEventListener("online", refresh);
setTimeout(loop, EVERY_MS / 2);
