// What a screen reader is told: the news of a moment at once, and of a story once, however many alerts it has.

import { bundleOf, count } from "./bundles.js";
import { what } from "./cards.js";
import { at } from "./elements.js";

const QUIET_MS = 800;
const LATEST_MS = 4_000;
const SENTENCES = 3;

const waiting = new Map();
let since = 0;
let timer = 0;

// `isWanted` is asked when the time has come.
export function announce(alert, isWanted) {
  if (!waiting.size) since = Date.now();
  waiting.set(alert.id, alert);
  clearTimeout(timer);
  timer = setTimeout(tell, Math.min(QUIET_MS, since + LATEST_MS - Date.now()), isWanted);
}

function tell(isWanted) {
  const stories = new Map();
  for (const alert of [...waiting.values()].filter(isWanted)) {
    const key = JSON.stringify([kind(alert), bundleOf(alert)]);
    stories.set(key, [...(stories.get(key) ?? []), alert]);
  }
  waiting.clear();
  const told = [...stories.values()].map(sentence);
  if (told.length > SENTENCES) told.splice(SENTENCES, told.length, `and ${told.length - SENTENCES} more`);
  if (told.length) at("news").textContent = told.join(". ");
}

function kind(alert) {
  if (alert.status === "retracted") return "Retracted";
  return alert.revision > 1 ? "Alert revised" : "New alert";
}

function sentence(alerts) {
  const [alert] = alerts;
  if (alerts.length > 1) return `${kind(alert)}: ${count(alerts)} in one story, ${alert.story.headline}`;
  return `${kind(alert)}: ${alert.authority_name}, ${alert.group_name}, ${what(alert)}, ${alert.level}`;
}
