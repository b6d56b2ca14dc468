// The feeds: which of them are well, and when each was looked at.

import { at, heading, make, said, when } from "./elements.js";
import { load } from "./server.js";

const STALE_DAYS = 30;
const DAY_MS = 86_400_000;
const FINE = new Set(["ok", "not-modified", "unchanged", "pushed"]);

export async function loadFeeds() {
  const facts = await load("/api/feeds");
  if (facts) drawFeeds(facts.feeds);
}

function drawFeeds(feeds) {
  const columns = ["Feed", "Last look", "Outcome", "Newest item", "Remarks"];
  const head = make("tr", { role: "row" }, columns.map((name) => heading(name, "columnheader")));
  const rows = feeds.sort((a, b) => health(b).length - health(a).length || called(a).localeCompare(called(b))).map(feedRow);
  at("feeds").replaceChildren(make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, rows));
  const ill = feeds.filter((feed) => health(feed).length).length;
  at("feeds-count").textContent = ill ? String(ill) : "";
  at("feeds-count").title = ill ? "feeds that need a look" : "";
  at("feeds-note").textContent = feeds.length ? `${feeds.length} feeds, ${ill || "none"} of them to be looked at.` : "No feed has been polled yet.";
}

function health(feed) {
  const found = [];
  if (feed.outcome && !FINE.has(feed.outcome)) found.push(`failing (${feed.failures} in a row)`);
  if (feed.newest && Date.now() - new Date(feed.newest) > STALE_DAYS * DAY_MS) found.push("stale");
  if (feed.enabled && feed.next_due && Date.now() - new Date(feed.next_due) > 10 * 60_000) found.push("not polled");
  if (feed.moved_to) found.push("has moved");
  return found;
}

const called = (feed) => feed.name ?? feed.feed;

// The name of the feed list, and the key that logs and commands have it by.
function nameOf(feed) {
  const node = heading(called(feed), "rowheader");
  if (feed.name && feed.name !== feed.feed) node.append(" ", make("bdi", { class: "key" }, feed.feed));
  return node;
}

function feedRow(feed) {
  const ill = health(feed);
  const cells = [
    ["Last look", feed.polled_at ? when(feed.polled_at) : "never"],
    ["Outcome", make("span", { class: FINE.has(feed.outcome) ? "good" : "bad" }, said(feed.outcome ?? "none"))],
    ["Newest item", feed.newest ? when(feed.newest) : "unknown"],
    ["Remarks", [...ill, feed.enabled ? "" : "switched off", feed.waiting ? `${feed.waiting} stories waiting` : ""].filter(Boolean).join(", ")],
  ];
  return make("tr", { role: "row", class: ill.length ? "ill" : "" }, nameOf(feed),
    cells.map(([name, content]) => make("td", { role: "cell" }, content ? [make("span", { class: "of" }, name), " ", content] : [])));
}
