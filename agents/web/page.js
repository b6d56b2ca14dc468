// The live page. Whatever comes from a story enters the document as a text node and nowhere else.

import { drawBundles, forgetDrawn } from "./bundles.js";
import { loadCoverage } from "./coverage.js";
import { age, at } from "./elements.js";
import { loadFeeds } from "./feeds.js";
import { loadLedger } from "./ledger.js";
import { announce } from "./news.js";
import { load } from "./server.js";

const VIEWS = ["alerts", "ledger", "feeds"];
const FILTERS = ["authority", "group", "change", "stage", "level", "confidence"];
const LOOK_MS = 15_000;
const KEPT = 2_000; // alerts in a page that is left open

const form = at("filters");
const alerts = new Map();
let ready = false;

// ---- alerts

function matches(alert, wanted) {
  if (wanted.confidence && alert.confidence < Number(wanted.confidence)) return false;
  return FILTERS.slice(0, 5).every((name) => !wanted[name] || alert[name] === wanted[name]);
}

const wantedNow = () => Object.fromEntries(FILTERS.map((name) => [name, form.elements[name].value]));

function drawAlerts() {
  const wanted = wantedNow();
  const shown = drawBundles(alerts.values(), (alert) => matches(alert, wanted));
  at("alerts-count").textContent = alerts.size ? String(alerts.size) : "";
  at("alerts-note").textContent = note(shown);
}

function note(shown) {
  if (!alerts.size) return ready ? "No alerts yet. They appear here as they come." : "Reading the logs …";
  return shown === alerts.size ? "" : `${shown} of ${alerts.size} alerts match the filters.`;
}

function fillChoices() {
  for (const name of ["authority", "group"]) {
    const select = form.elements[name];
    const names = new Map([...alerts.values()].map((alert) => [alert[name], alert[`${name}_name`]]));
    const chosen = select.value || new URLSearchParams(location.search).get(name) || "";
    if (chosen && !names.has(chosen)) names.set(chosen, chosen);
    const sorted = [...names].sort((a, b) => a[1].localeCompare(b[1]));
    const options = sorted.map(([key, text]) => new Option(text, key));
    select.replaceChildren(new Option("any", ""), ...options);
    select.value = chosen;
  }
}

function takeAlert(alert, fresh) {
  const known = alerts.get(alert.id);
  if (known && known.revision > alert.revision) return;
  const isNews = fresh && known?.revision !== alert.revision;
  alerts.delete(alert.id);
  alerts.set(alert.id, { ...alert, fresh: isNews || (known?.fresh ?? false) });
  if (alerts.size > KEPT) forget(alerts.keys().next().value);
  if (isNews) announce(alert, (heard) => matches(heard, wantedNow()));
}

function forget(id) {
  alerts.delete(id);
  forgetDrawn(id);
}

// ---- what comes from the server

async function loadAlerts() {
  const known = new Set(alerts.keys()); // what the stream brings while we wait for the answer, the answer may lack
  const facts = await load("/api/alerts");
  if (!facts) return again(); // nothing of it was seen, so nothing may be resumed from
  const first = !ready;
  ready = facts.ready;
  const kept = new Set(facts.alerts.map((alert) => alert.id));
  for (const id of known) if (!kept.has(id)) forget(id);
  for (const alert of facts.alerts.reverse()) takeAlert(alert, !first);
  fillChoices();
  drawAlerts();
}

function look() {
  if (document.hidden) return;
  loadCoverage().then(loadLedger);
  loadFeeds();
  for (const node of document.querySelectorAll("time")) node.textContent = age(new Date(node.dateTime));
}

// ---- the stream: the browser resumes by itself; what it gives up, or what falls silent, is opened anew

let stream = null;
let lastId = "";
let silence = 0;
let beatMs = 15_000;
let pauseMs = 1_000;

function listen() {
  stream?.close();
  stream = new EventSource(lastId ? `/events?after=${encodeURIComponent(lastId)}` : "/events");
  stream.addEventListener("hello", (event) => greeted(JSON.parse(event.data), event.lastEventId));
  stream.addEventListener("beat", (event) => heard(JSON.parse(event.data)));
  stream.addEventListener("alert", (event) => {
    lastId = event.lastEventId;
    heard();
    takeAlert(JSON.parse(event.data), true);
    fillChoices();
    drawAlerts();
    setTimeout(loadLedger, 1_000);
  });
  stream.addEventListener("error", () => {
    show("lost", "connection lost, trying again");
    if (stream.readyState === EventSource.CLOSED) again();
  });
  heard();
}

async function greeted(hello, id) {
  pauseMs = 1_000;
  beatMs = hello.beat_s * 1000;
  heard(hello);
  look();
  if (!hello.resumed) {
    lastId = "";
    await loadAlerts();
    lastId ||= id;
  }
}

function heard(facts) {
  clearTimeout(silence);
  silence = setTimeout(again, 2.5 * beatMs);
  if (!facts) return;
  if (facts.broker) show("live", "live");
  else show("lost", "the broker does not answer");
}

function again() {
  clearTimeout(silence);
  stream?.close();
  show("lost", "connection lost, opening it anew");
  silence = setTimeout(listen, pauseMs);
  pauseMs = Math.min(pauseMs * 2, 30_000);
}

function show(state, text) {
  if (at("state").dataset.state === state && at("state").textContent === text) return;
  at("state").dataset.state = state;
  at("state").textContent = text;
}

// ---- the address holds the view and the filters

function toAddress() {
  const query = new URLSearchParams();
  const view = viewNow();
  if (view !== "alerts") query.set("view", view);
  for (const [name, value] of Object.entries(wantedNow())) if (value) query.set(name, value);
  const text = query.toString();
  window.history.replaceState(null, "", text ? `?${text}` : location.pathname);
}

function viewNow() {
  const asked = new URLSearchParams(location.search).get("view");
  return VIEWS.includes(asked) ? asked : "alerts";
}

function fromAddress() {
  const query = new URLSearchParams(location.search);
  for (const name of FILTERS) {
    const select = form.elements[name];
    const value = query.get(name) ?? "";
    if (value && (name === "authority" || name === "group") && ![...select.options].some((o) => o.value === value)) {
      select.append(new Option(value, value));
    }
    select.value = value;
    if (select.selectedIndex < 0) select.value = "";
  }
  const view = viewNow();
  for (const name of VIEWS) at(`view-${name}`).hidden = name !== view;
  for (const anchor of document.querySelectorAll("[data-view]")) {
    if (anchor.dataset.view === view) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  drawAlerts();
}

function chooseView(event) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const query = new URLSearchParams(location.search);
  const view = event.currentTarget.dataset.view;
  if (view === "alerts") query.delete("view");
  else query.set("view", view);
  window.history.pushState(null, "", query.size ? `?${query}` : location.pathname);
  fromAddress();
  look();
}

for (const anchor of document.querySelectorAll("[data-view]")) anchor.addEventListener("click", chooseView);
form.addEventListener("change", () => { toAddress(); drawAlerts(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { toAddress(); drawAlerts(); }));
window.addEventListener("popstate", fromAddress);
document.addEventListener("visibilitychange", look);
setInterval(look, LOOK_MS);
fromAddress();
listen();
