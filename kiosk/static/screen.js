// The kiosk's display: draws the live picture, listens to the station, shows one answer after the other.
"use strict";

const PICTURE_EVERY = 125; // ms; about eight pictures a second
const RETRY_AFTER = 1000; // ms; picture or station could not be had
const NAME_STAYS = 3000; // ms; nobody's name stands on a public display for longer
const NEXT_AFTER = 1200; // ms; how long an answer stays at least when the next person waits
const STAYS = { green: 3000, amber: 6000, red: 7000, ask_direction: 20000, look_here: 2000 }; // ms
const HINT_STAYS = 4000; // ms
const HOME_AFTER = 30000; // ms without a touch; then the display speaks its own language again

const SIGNS = { green: "#check", amber: "#clock", red: "#cross" };
const HINTS = { ask_badge: "#badge", one_badge: "#badges", not_a_badge: "#badge-not", look_here: "#face" };
const NOTES = { // [Hz, seconds from the start]
  green: [[660, 0], [990, 0.12]],
  amber: [[520, 0], [520, 0.18]],
  red: [[330, 0], [220, 0.18]],
  ask_direction: [[590, 0], [740, 0.14]],
};
const HINT_NOTES = [[590, 0]];
const SIGN_NOTES = [[780, 0]]; // a movement is asked for
const MOVES = ["blink", "turn_left", "turn_right"];

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
let restView = "waiting"; // what is shown while there is no answer
let nameTimer = 0;

function arrive(answer) {
  if (answer.kind === "staff") return welcome(answer);
  const asking = shown?.kind === "ask_direction";
  if (isHint(answer) && asking) return; // A passer-by does not take the question away.
  const open = queue.filter((other) => !isHint(other)); // What was a hint a moment ago is stale now.
  queue.splice(0, queue.length, ...open, answer);
  // Who was told what to do and has done it need not wait for the answer.
  if (!shown || asking || (isHint(shown) && !isHint(answer))) return next();
  soonNext();
}

function soonNext() {
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
  if (restView === "staff") listStaff();
}

function forgetName() {
  writeAll("name", null);
  sayAll("partners", null);
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
  sayAll("partners", answer.partners);
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
  const words = [answer.heading[language], answer.name, answer.title?.[language], ...(answer.more?.[language] ?? []), answer.partners?.[language]];
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
  if (!(await send("choice", { number, direction }))?.ok) next();
}

// Give the station's answer; none when it is gone, and then the page says so.
async function send(place, what) {
  try {
    return await fetch(place, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });
  } catch {
    return null;
  }
}

for (const button of choices) button.addEventListener("click", () => choose(button.dataset.direction));

document.addEventListener("keydown", (event) => {
  const place = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (place >= 0 && body.dataset.view === "ask_direction") choices[place].focus();
  else if (step && ["staff", "enrolment"].includes(body.dataset.view)) walk(step);
  else return;
  event.preventDefault();
});

// Go to the next or last button; from the heading, to the first.
function walk(step) {
  const buttons = [...document.querySelectorAll("main button")].filter((one) => one.checkVisibility());
  const at = buttons.indexOf(document.activeElement);
  buttons[Math.max(0, Math.min(buttons.length - 1, at < 0 ? 0 : at + step))]?.focus();
}

// --- Staff -----------------------------------------------------------------------------------------------------------

let closesAt = 0;
let countdown = 0;

function welcome(answer) {
  queue.length = 0;
  shown = null;
  clearTimeout(turn);
  clearTimeout(nameTimer);
  restView = "staff";
  rest();
  by("staff").focus({ preventScroll: true }); // Not a button, for the same reason as above.
  sound(HINT_NOTES);
  aloud(answer);
  nameTimer = setTimeout(forgetName, NAME_STAYS);
}

async function listStaff() {
  const answer = await fetch("staff", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const list = await answer.json();
  closesAt = performance.now() + list.left * 1000;
  clearInterval(countdown);
  countdown = setInterval(sayLeft, 1000);
  sayLeft();
  const focused = document.activeElement?.dataset?.place;
  body.dataset.rows = list.locked ? "locked" : list.rows.length ? "some" : "none";
  by("rows").replaceChildren(...list.rows.map(row));
  if (focused) document.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
}

// --- The PIN of a member of staff ------------------------------------------------------------------------------------

const MOST_DIGITS = 12;
let pin = "";

function typePin(key) {
  if (key === "done") return tryPin();
  pin = key === "delete" ? pin.slice(0, -1) : (pin + key).slice(0, MOST_DIGITS);
  by("typed").textContent = "\u2022".repeat(pin.length);
}

async function tryPin() {
  if (!pin) return;
  const tried = pin;
  forgetPin();
  const answer = await send("staff/pin", { pin: tried }).then((one) => one && one.json()).catch(() => null);
  if (answer?.right) return listStaff();
  const words = by(answer?.wait ? "pin-wait" : "pin-wrong").content.cloneNode(true);
  for (const span of words.querySelectorAll("span")) span.textContent = span.textContent.replace("{seconds}", answer?.wait);
  document.querySelector(".wrong").replaceChildren(words);
}

function forgetPin() {
  pin = "";
  by("typed").textContent = "";
  document.querySelector(".wrong").replaceChildren();
}

for (const key of document.querySelectorAll("[data-key]")) {
  key.addEventListener("click", (event) => {
    typePin(key.dataset.key);
    // After a touch the keyboard goes on typing, and its Enter is not one more touch of this key.
    if (event.detail) by("staff").focus({ preventScroll: true });
  });
}

document.addEventListener("keydown", (event) => {
  if (body.dataset.view !== "staff" || body.dataset.rows !== "locked") return;
  if (event.key === "Enter" && event.target.tagName === "BUTTON") return;
  const key = { Enter: "done", Backspace: "delete" }[event.key] ?? event.key;
  if (/^([0-9]|done|delete)$/.test(key)) typePin(key);
});

function sayLeft() {
  const seconds = Math.max(0, Math.round((closesAt - performance.now()) / 1000));
  for (const element of document.querySelectorAll(".seconds")) element.textContent = seconds;
}

function row(one) {
  const item = by("row").content.cloneNode(true);
  const name = item.querySelector("strong");
  name.textContent = one.name;
  name.id = `who-${one.session}-${one.learner}`;
  say(item.querySelector(".where"), one.whereabouts);
  say(item.querySelector(".role"), one.role);
  say(item.querySelector(".session"), one.title);
  for (const button of item.querySelectorAll("button")) {
    const does = button.dataset.does;
    button.setAttribute("aria-describedby", name.id);
    button.dataset.place = `${name.id}-${does}`;
    if (does === "enrol") say(button, one.enrol);
    button.addEventListener("click", () => act(does, one));
  }
  return item;
}

async function act(does, { learner, session }) {
  if (does === "enrol") await send("staff/enrolment", { learner });
  else await send("staff/choice", { learner, session, direction: does });
}

function forgetStaff() {
  forgetPin();
  clearInterval(countdown);
  by("rows").replaceChildren();
}

by("staff-end").addEventListener("click", () => send("staff/end", {}));
by("back").addEventListener("click", () => send("staff/back", {}));
by("anyway").addEventListener("click", () => send("staff/enrolment", { learner: enrolled, anyway: true }));

let enrolled = null; // whose face is being enrolled
let faceTimer = 0;

function showEnrolment(progress) {
  if (!progress) {
    enrolled = null;
    return forgetFace();
  }
  if (enrolled !== progress.learner) {
    enrolled = progress.learner;
    writeAll("name-of-face", progress.name);
    clearTimeout(faceTimer);
    faceTimer = setTimeout(forgetFace, NAME_STAYS);
  }
  const dots = Array.from({ length: progress.of }, (_, number) => {
    const dot = document.createElement("i");
    dot.className = number < progress.good ? "good" : "";
    return dot;
  });
  document.querySelector(".dots").replaceChildren(...dots);
  body.dataset.end = progress.end ?? "";
  sayAll("count", progress.count);
  sayAll("flaw", progress.flaw);
  sayAll("end", progress.said);
  sayAll("others", progress.others);
}

function forgetFace() {
  clearTimeout(faceTimer);
  writeAll("name-of-face", null);
}

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
    forgetStaff();
    showEnrolment(null);
    restView = "starting";
    view(restView);
    // By hand, because the browser gives up for good when the station answers with an error.
    setTimeout(listen, RETRY_AFTER);
  });
}

function heed(status) {
  const before = restView;
  restView = resting(status);
  sayAll("setup-heading", status.setup?.heading);
  sayAll("setup-more", status.setup?.more);
  writeAll("copy", status.setup?.copy);
  sayAll("trouble", pick(status.trouble, 0));
  sayAll("remedy", pick(status.trouble, 1));
  guide(status.guide);
  showEnrolment(status.enrolment);
  if (!status.staff) forgetStaff();
  if (!shown && restView !== before) rest();
  if (!shown) view(restView);
  body.dataset.faces = status.faces ? "on" : "off";
  by("time").textContent = status.time;
  say(by("date"), status.date);
  warn(status.notices);
}

function resting(status) {
  if (status.setup) return "setup";
  if (status.trouble) return "trouble";
  if (status.enrolment) return "enrolment";
  if (status.staff) return "staff";
  return status.guide ? "guiding" : "waiting";
}

let guided = "";

function guide(sign) {
  sayAll("guide", sign);
  if (guided === (guided = sign?.code ?? "")) return;
  body.dataset.guide = guided;
  if (!guided) return;
  // Whoever is served now does not wait until the answer to somebody else has had its time.
  if (shown && shown.kind !== "ask_direction") soonNext();
  if (!MOVES.includes(guided)) return;
  sound(SIGN_NOTES);
  by("aloud").textContent = sign[root.lang];
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
  if (root.dataset.sound === "off" || audio.state !== "running") return;
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
