// The list of alerts: those of one story are one item, each of them a line in it.

import { card, headline, line, origin, tone } from "./cards.js";
import { arrange, at, make, when } from "./elements.js";

const drawn = new Map(); // of each alert the element, and what it shows
const heads = new Map(); // of each story with several alerts the same
let numbers = 0;
let successor = null; // what has the focus next, where its element is replaced

export function forgetDrawn(id) {
  drawn.delete(id);
}

// Draws those that `isShown` of all, and returns how many they are. A story is where its last news is.
export function drawBundles(all, isShown) {
  const bundles = new Map();
  for (const alert of all) {
    const key = bundleOf(alert);
    bundles.set(key, [...(bundles.get(key) ?? []), alert]);
  }
  for (const key of heads.keys()) if (!(bundles.get(key)?.length > 1)) heads.delete(key);
  const items = [...bundles].map(([key, members]) => ({ key, members, shown: members.filter(isShown) }))
    .filter(({ shown }) => shown.length)
    .sort((a, b) => (latest(a.shown) < latest(b.shown) ? 1 : -1));
  arrange(at("alerts"), items.map(({ key, members, shown }) => (members.length > 1 ? bundle(key, members, shown) : item(members[0]))));
  successor?.focus({ preventScroll: true });
  successor = null;
  return items.reduce((sum, { shown }) => sum + shown.length, 0);
}

export const bundleOf = (alert) => alert.bundle || alert.id;

// "13 groups", or "3 alerts on 2 groups" where a group has several.
export function count(members) {
  const groups = new Set(members.map((alert) => alert.group)).size;
  const words = groups === 1 ? "1 group" : `${groups} groups`;
  return groups === members.length ? words : `${members.length} alerts on ${words}`;
}

function bundle(key, members, shown) {
  const story = storyOf(key, members);
  const head = heads.get(key) ?? newHead();
  heads.set(key, head);
  if (head.print !== JSON.stringify(story)) {
    head.title.replaceChildren(headline(story));
    head.origin.replaceChildren(...origin(story));
    head.print = JSON.stringify(story);
  }
  head.tally.replaceChildren(...tally(members, shown));
  head.when.replaceChildren(when(latest(shown), "dim"));
  const standing = shown.find((alert) => alert.status !== "retracted" && alert.status !== "superseded");
  head.section.className = `bundle ${standing ? tone(standing) : "is-superseded"}`;
  arrange(head.list, [...shown].sort(byName).map((alert) => item(alert, story)));
  return head.node;
}

function newHead() {
  const title = make("h3", {});
  title.id = `bundle-${++numbers}`;
  const head = { title, when: make("span", {}), origin: make("span", {}), tally: make("p", { class: "tally" }) };
  head.list = make("ol", { class: "lines", role: "list" });
  head.section = make("section", {}, make("header", {}, title, head.when), head.tally,
    make("p", { class: "source dim" }, head.origin), head.list);
  head.section.setAttribute("aria-labelledby", title.id);
  head.node = make("li", {}, head.section);
  return head;
}

// The story as it was last told; where every alert has come to rest on other stories, one of those.
function storyOf(key, members) {
  const own = members.filter((alert) => alert.story.id === key);
  return (own.length ? own : members).reduce((a, b) => (a.at < b.at ? b : a)).story;
}

// How many there are, of whom, and how many of them no longer stand as they were told.
function tally(members, shown) {
  const all = count(members);
  const authorities = [...new Set(shown.map((alert) => alert.authority_name))];
  const whose = authorities.length > 3 ? [`${authorities.length} authorities`]
    : authorities.flatMap((name, index) => [index ? ", " : "", make("bdi", {}, name)]);
  const changed = ["corrected", "retracted", "superseded"].map((status) => [shown.filter((alert) => alert.status === status).length, status]);
  return [make("b", {}, shown.length < members.length ? `${shown.length} of ${all}` : all), " · ", ...whose,
    ...changed.filter(([number]) => number).flatMap(([number, status]) => [" · ", make("span", {}, `${number} ${status}`)])];
}

// Places in a story are by name, so that an alert that is revised stays where it is.
function byName(a, b) {
  return a.authority_name.localeCompare(b.authority_name) || a.group_name.localeCompare(b.group_name) || (a.id < b.id ? -1 : 1);
}

const latest = (alerts) => alerts.map((alert) => alert.at).reduce((a, b) => (a > b ? a : b));

// An alert's element, kept while it looks the same, so that focus, selection and what is open survive.
function item(alert, story = null) {
  const print = JSON.stringify([alert.revision, alert.text.whole, story?.id]);
  const old = drawn.get(alert.id);
  if (old?.print === print) return old.node;
  const node = make("li", { class: alert.fresh ? "fresh" : "" }, story ? line(alert, story) : card(alert));
  drawn.set(alert.id, { node, print });
  if (old) carryOver(old.node, node);
  return node;
}

function carryOver(old, node) {
  for (const open of old.querySelectorAll("details[open]")) setOpen(node, open.dataset.keep);
  const isRead = old.contains(document.activeElement) || old.querySelector("details[open]") || old.contains(getSelection().anchorNode);
  if (isRead && !old.querySelector(".line")) setOpen(node, "alert"); // it has become one of several under a reader's eyes
  if (!old.contains(document.activeElement)) return;
  const keep = document.activeElement.closest("details")?.dataset.keep;
  const again = document.activeElement.matches("a") ? "a" : `details[data-keep=${keep}] > summary`;
  successor = node.querySelector(again) ?? node.querySelector("summary") ?? node.querySelector("article");
}

function setOpen(node, keep) {
  const details = node.querySelector(`details[data-keep=${keep}]`);
  if (details) details.open = true;
}
