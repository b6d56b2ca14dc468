// Which authorities nobody fresh would tell of: in the feeds' view as a list, in the ledger as a mark.

import { at, make } from "./elements.js";
import { load } from "./server.js";

let watched = new Map();

export const isBlind = (authority) => watched.get(authority)?.degree === "blind";

export async function loadCoverage() {
  const facts = await load("/api/coverage");
  if (!facts) return;
  watched = new Map(facts.authorities.map((one) => [one.authority, one]));
  drawBlind(facts.authorities);
}

function drawBlind(authorities) {
  const byName = (a, b) => a.name.localeCompare(b.name);
  const blind = authorities.filter((one) => one.degree === "blind").sort(byName);
  const distant = authorities.filter((one) => one.degree === "distant").sort(byName);
  at("blind-note").textContent = blind.length
    ? `No fresh feed would tell if one of these ${blind.length} authorities changed a status.`
    : "A fresh feed covers every authority.";
  at("blind").replaceChildren(...blind.map((one) => make("li", {}, make("bdi", {}, one.name),
    one.failing.length ? ` (${one.failing.map((feed) => `${feed.feed}: ${feed.why}`).join("; ")})` : "")));
  at("distant").textContent = distant.length
    ? `Only desks that tell what the whole world talks about cover these: ${distant.map((one) => one.name).join(", ")}.` : "";
}
