// The kiosk's display: draws the live picture, listens to the station, shows one answer after the other.
"use strict";

const PICTURE_EVERY = 125; // ms; about eight pictures a second
const RETRY_AFTER = 1000; // ms; picture or station could not be had
const NAME_STAYS = 3000; // ms; nobody's name stands on a public display for longer
const NEXT_AFTER = 1200; // ms; how long an answer stays at least when the next person waits
const STAYS = { green: 3000, amber: 6000, red: 7000, ask_direction: 20000 }; // ms
const HINT_STAYS = 4000; // ms
const HOME_AFTER = 30000; // ms without a touch; then the display speaks its own language again

const SIGNS = { green: "#check", amber: "#clock", red: "#cross" };
const HINTS = { ask_badge: "#badge", one_badge: "#badges", not_a_badge: "#badge-not" };
const NOTES = { // [Hz, seconds from the start]
  green: [[660, 0], [990, 0.12]],
  amber: [[520, 0], [520, 0.18]],
  red: [[330, 0], [220, 0.18]],
  ask_direction: [[590, 0], [740, 0.14]],
};
const HINT_NOTES = [[590, 0]];

const root = document.documentElement;
const body = document.body;
const canvas = document.getElementById("picture");
const by = (id) => document.getElementById(id);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const isHint = (answer) => answer.kind in HINTS;

// --- Words -----------------------------------------------------------------------------------------------------------

// Put a text in both languages into an element; the style sheet shows one of them.
function say(element, text) {
  element.hidden = !text || !(text.en || text.zh);
  if (element.hidden) return element.replaceChildren();
  element.replaceChildren(...["en", "zh"].map((language) => {
    const span = document.createElement("span");
    span.lang = language;
    span.textContent = text[language];
    return span;
  }));
}

function sayAll(part, text) {
  for (const element of document.querySelectorAll(`[data-said="${part}"]`)) say(element, text);
}

function writeAll(part, text) {
  for (const element of document.querySelectorAll(`[data-said="${part}"]`)) {
    element.textContent = text ?? "";
    element.hidden = !text;
  }
}

const pick = (parts, index) => parts && { en: parts.en[index], zh: parts.zh[index] };

// A Chinese character is as wide as two Latin letters.
const width = (name) => [...(name ?? "")].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);

// --- One answer after the other --------------------------------------------------------------------------------------

const queue = [];
let shown = null;
let shownAt = 0;
let turn = 0; // the timer that ends what is shown
let restView = "waiting"; // or "trouble"
let nameTimer = 0;

function arrive(answer) {
  const asking = shown?.kind === "ask_direction";
  if (isHint(answer) && asking) return; // A passer-by does not take the question away.
  const open = queue.filter((other) => !isHint(other)); // What was a hint a moment ago is stale now.
  queue.splice(0, queue.length, ...open, answer);
  if (!shown || asking) return next();
  clearTimeout(turn);
  turn = setTimeout(next, Math.max(0, shownAt + NEXT_AFTER - performance.now()));
}

function next() {
  clearTimeout(turn);
  clearTimeout(nameTimer);
  shown = queue.shift() ?? null;
  if (!shown) return rest();
  shownAt = performance.now();
  show(shown);
  nameTimer = setTimeout(forgetName, NAME_STAYS);
  turn = setTimeout(next, queue.length ? NEXT_AFTER : STAYS[shown.kind] ?? HINT_STAYS);
}

function rest() {
  forgetName();
  view(restView);
}

function forgetName() {
  writeAll("name", null);
  by("aloud").textContent = "";
}

function view(name) {
  body.dataset.view = name;
}

function show(answer) {
  fill(answer);
  if (answer.kind === "ask_direction") ask();
  else if (isHint(answer)) hint(answer);
  else verdict(answer);
  sound(NOTES[answer.kind] ?? HINT_NOTES);
  aloud(answer);
}

function fill(answer) {
  sayAll("heading", answer.heading);
  writeAll("name", answer.name);
  body.dataset.name = width(answer.name) > 18 ? "long" : "short";
  sayAll("title", answer.title);
  sayAll("what", pick(answer.more, 0));
  sayAll("todo", pick(answer.more, 1));
  sayAll("role", answer.role);
  writeAll("time", answer.time);
}

function verdict(answer) {
  by("sign").setAttribute("href", SIGNS[answer.kind]);
  by("direction").hidden = !answer.direction;
  by("direction").dataset.direction = answer.direction ?? "";
  if (answer.direction) by("direction-icon").setAttribute("href", `#${answer.direction}`);
  by("record").hidden = !answer.record || answer.kind === "red";
  tick(answer);
  view(answer.kind);
}

function tick(answer) {
  by("record").dataset.delivered = Boolean(answer.delivered);
}

function hint(answer) {
  by("hint-icon").setAttribute("href", HINTS[answer.kind]);
  view("hint");
}

function deliver(record) {
  const answer = [shown, ...queue].find((one) => one?.record === record);
  if (!answer) return;
  answer.delivered = true;
  if (answer === shown) tick(answer);
}

function aloud(answer) {
  const language = root.lang;
  const words = [answer.heading[language], answer.name, answer.title?.[language], ...(answer.more?.[language] ?? [])];
  const stop = language === "zh" ? "。" : ".";
  by("aloud").textContent = words
    .filter(Boolean)
    .map((word) => (/[.?。？]$/.test(word) ? word : word + stop))
    .join(" ");
}

// --- Arriving or leaving? --------------------------------------------------------------------------------------------

const choices = [...document.querySelectorAll("[data-direction]")].filter((one) => one.tagName === "BUTTON");

function ask() {
  for (const button of choices) button.disabled = false;
  view("ask_direction");
  // Not a button: a scanner that types ends with Enter, and would answer for the learner.
  by("question").focus({ preventScroll: true });
}

async function choose(direction) {
  const number = shown?.number;
  for (const button of choices) button.disabled = true;
  clearTimeout(turn);
  turn = setTimeout(next, NAME_STAYS); // The station's answer comes before that.
  try {
    await fetch("choice", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ number, direction }),
    });
  } catch {
    next(); // The station is gone, and the page says so.
  }
}

for (const button of choices) button.addEventListener("click", () => choose(button.dataset.direction));

document.addEventListener("keydown", (event) => {
  const place = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
  if (place < 0 || body.dataset.view !== "ask_direction") return;
  choices[place].focus();
  event.preventDefault();
});

// --- The station -----------------------------------------------------------------------------------------------------

function listen() {
  const station = new EventSource("events");
  station.addEventListener("status", (event) => heed(JSON.parse(event.data)));
  station.addEventListener("answer", (event) => arrive(JSON.parse(event.data)));
  station.addEventListener("delivered", (event) => deliver(JSON.parse(event.data).record));
  station.addEventListener("error", () => {
    station.close();
    queue.length = 0;
    clearTimeout(turn);
    shown = null;
    forgetName();
    view("starting");
    // By hand, because the browser gives up for good when the station answers with an error.
    setTimeout(listen, RETRY_AFTER);
  });
}

function heed(status) {
  restView = status.trouble ? "trouble" : "waiting";
  sayAll("trouble", pick(status.trouble, 0));
  sayAll("remedy", pick(status.trouble, 1));
  if (!shown) view(restView);
  body.dataset.faces = status.faces ? "on" : "off";
  by("time").textContent = status.time;
  say(by("date"), status.date);
  warn(status.notices);
}

let warned = ""; // What is said again would be read aloud again.

function warn(notices) {
  if (warned === (warned = JSON.stringify(notices))) return;
  by("notices").replaceChildren(...notices.map((notice) => {
    const item = by("notice").content.cloneNode(true);
    item.querySelector("li").dataset.code = notice.code;
    item.querySelector("use").setAttribute("href", `#${notice.code}`);
    say(item.querySelector(".say"), notice);
    return item;
  }));
}

// --- The live picture ------------------------------------------------------------------------------------------------

// The next picture is asked for when the last one is drawn, so that a slow machine shows fewer and never falls behind.
async function watch() {
  for (;;) {
    const began = performance.now();
    const drawn = await draw().catch(() => false);
    body.dataset.picture = drawn ? "on" : "off";
    await pause(drawn ? Math.max(20, PICTURE_EVERY - (performance.now() - began)) : RETRY_AFTER);
  }
}

async function draw() {
  const answer = await fetch("picture.jpg", { cache: "no-store" });
  if (answer.status !== 200) return false;
  const picture = await createImageBitmap(await answer.blob());
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  return true;
}

// --- Sound -----------------------------------------------------------------------------------------------------------

// Silent until the first touch, unless the browser was started with --autoplay-policy=no-user-gesture-required.
const audio = new AudioContext();

function sound(notes) {
  if (audio.state !== "running") return;
  for (const [pitch, after] of notes) {
    const from = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.2, from + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.22);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.25);
  }
}

// --- Language --------------------------------------------------------------------------------------------------------

const languages = [...document.querySelectorAll("[data-language]")];
let homeTimer = 0;

function speak(language) {
  root.lang = language;
  for (const button of languages) button.setAttribute("aria-pressed", button.dataset.language === language);
}

for (const button of languages) button.addEventListener("click", () => speak(button.dataset.language));

for (const gesture of ["pointerdown", "keydown"]) {
  document.addEventListener(gesture, () => {
    audio.resume();
    clearTimeout(homeTimer);
    homeTimer = setTimeout(() => speak(root.dataset.home), HOME_AFTER);
  });
}

listen();
watch();
