// What the pages do beyond what HTML does: calls appear as they are answered, a line
// that is opened shows its call, and what the world holds is kept up to date. All of
// it is there without this file, by links and forms.
"use strict";

const byID = (id) => document.getElementById(id);
const live = byID("live"), list = byID("calls"), pause = byID("pause");
const mostCalls = 10000; // the trace keeps no more
let paused = false, waiting = [], stale = false, reading = false;
let unheard = 0;
let matching = list ? Number(byID("matching").dataset.count) : 0;

// Lines that are opened.
document.addEventListener("toggle", async (event) => {
  const details = event.target;
  if (!details.open || !details.dataset.detail) return;
  const answer = await fetch(details.dataset.detail);
  if (!answer.ok) return; // the link stays
  delete details.dataset.detail;
  details.querySelector(".detail").innerHTML = await answer.text();
}, true);

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

function say(state, words) {
  live.hidden = false;
  live.dataset.state = state;
  if (live.textContent !== words) live.textContent = words;
}

// keepFocus changes a part of the page and leaves the focus, and what was opened,
// where they were.
function keepFocus(part, change) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const opened = [...part.querySelectorAll("details")].map((details) => details.open);
  change();
  part.querySelectorAll("details").forEach((details, i) => { if (opened[i]) details.open = true; });
  if (focused && byID(focused)) byID(focused).focus();
}

function add(html) {
  const lines = document.createElement("template");
  lines.innerHTML = html;
  for (const line of lines.content.querySelectorAll(".call")) line.classList.add("new");
  list.prepend(lines.content);
  while (list.children.length > Number(list.dataset.most)) list.lastElementChild.remove();
  byID("empty").hidden = true;
}

// count shows how many calls there were, of which the trace keeps the last.
function count(made) {
  if (!byID("made")) return;
  if (byID("all")) byID("all").textContent = Math.min(made, mostCalls).toLocaleString("en-US");
  byID("made").textContent = made > mostCalls ? `, the last of ${made.toLocaleString("en-US")}` : "";
}

// hear tells those who listen, in one sentence for many calls: a line for each would
// never end.
function hear(n) {
  if (!unheard) {
    setTimeout(() => {
      const line = list.querySelector("summary");
      byID("heard").textContent = `New calls: ${unheard}. ${line ? "The last: " + line.textContent.replace(/\s+/g, " ").trim() : ""}`;
      unheard = 0;
    }, 3000);
  }
  unheard += n;
}

function receive(message) {
  for (const clock of document.querySelectorAll(".clock")) {
    clock.dateTime = message.clock;
    clock.textContent = message.clock.slice(0, 19).replace("T", " ");
  }
  if (message.reset && list) {
    waiting = [];
    list.replaceChildren();
    byID("empty").hidden = false;
    matching = 0;
    byID("matching").textContent = "0";
  }
  if (message.played !== undefined && byID("played")) {
    const played = byID("played");
    if (played.dataset.last !== message.played) keepFocus(played, () => { played.innerHTML = message.played; });
    played.dataset.last = message.played;
  }
  if (message.calls && list) {
    matching = Math.min(matching + message.new, mostCalls);
    byID("matching").textContent = matching.toLocaleString("en-US");
    if (paused) waiting.unshift(message.calls);
    else {
      add(message.calls);
      hear(message.new);
    }
    waiting.length = Math.min(waiting.length, 100);
  }
  if (message.changed || message.reset) stale = true;
}

// refresh reads the parts of the page again that show what the world holds.
async function refresh() {
  const parts = document.querySelectorAll("[data-refresh]");
  if (!stale || reading || !parts.length || document.hidden) return;
  stale = false;
  reading = true;
  const text = await fetch(location.href).then((answer) => answer.ok ? answer.text() : "").catch(() => "");
  reading = false;
  if (!text) return;
  const next = new DOMParser().parseFromString(text, "text/html");
  for (const part of parts) {
    const now = next.getElementById(part.id);
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input");
    if (now && !typing && now.innerHTML !== part.innerHTML) keepFocus(part, () => { part.innerHTML = now.innerHTML; });
  }
}

// connect follows the program from where the page is. A browser has few connections
// to a host, so a page that nobody sees leaves its own to others and goes on later.
let events, known = "";
const sayHow = () => paused ? say("paused", "paused") : say("live", "live");
function connect() {
  const from = new URL(document.body.dataset.live, location.href);
  if (known) from.searchParams.set("after", known);
  events = new EventSource(from);
  events.onopen = sayHow;
  events.onerror = () => say("lost", events.readyState === EventSource.CLOSED ? "ended: load the page again" : "not connected");
  events.onmessage = (event) => {
    known = event.lastEventId;
    receive(JSON.parse(event.data));
    count(Number(known.split("-")[1]));
  };
}

if (document.body.dataset.live) {
  if (!document.hidden) connect();
  document.addEventListener("visibilitychange", () => {
    if (events) events.close();
    if (!document.hidden) connect();
  });
  setInterval(refresh, 500);
}

if (pause && document.body.dataset.live) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (live.dataset.state !== "lost") sayHow();
    if (!paused) {
      add(waiting.join(""));
      waiting = [];
    }
  });
}
