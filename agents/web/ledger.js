// The ledger: a matrix of groups and authorities, each cell with its history.

import { isBlind } from "./coverage.js";
import { at, heading, link, make, said, when } from "./elements.js";
import { load } from "./server.js";

let rows = [];
let drawn = "";

export async function loadLedger() {
  const facts = await load("/api/ledger");
  if (!facts) return;
  rows = facts.rows;
  const wanted = JSON.stringify(rows.map((row) => [row, isBlind(row.authority)]));
  if (wanted !== drawn || !at("ledger").childElementCount) drawLedger();
  drawn = wanted;
}

function drawLedger() {
  const authorities = names("authority");
  const groups = names("group");
  const byKey = new Map(rows.map((row) => [`${row.authority}|${row.group}`, row]));
  const head = make("tr", { role: "row" }, heading("Group", "columnheader"),
    authorities.map(([key, name]) => authorityHead(key, name)));
  const lines = groups.map(([group, name]) => make("tr", { role: "row" }, heading(name, "rowheader"),
    authorities.map(([authority, text]) => cell(byKey.get(`${authority}|${group}`), text))));
  const focused = document.activeElement?.dataset?.key;
  at("ledger").replaceChildren(make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, lines));
  if (focused) [...at("ledger").querySelectorAll("button")].find((node) => node.dataset.key === focused)?.focus();
  at("ledger-note").textContent = rows.length
    ? "Where each group stands with each authority that a story has moved; pale cells are the registry's baseline. Choose a cell for its history."
    : "Nothing has moved yet.";
}

function authorityHead(key, name) {
  const node = heading(name, "columnheader");
  if (isBlind(key)) node.append(" ", make("span", { class: "bad", title: "No fresh feed would tell of a change." }, "blind"));
  return node;
}

function names(side) {
  const found = new Map(rows.map((row) => [row[side], row[`${side}_name`]]));
  return [...found].sort((a, b) => a[1].localeCompare(b[1]));
}

function cell(row, authority) {
  const node = make("td", { role: "cell" });
  if (!row) return node;
  const state = worst(row);
  const button = make("button", { class: `cell state-${group(state)}${row.baseline ? " baseline" : ""}` },
    make("span", { class: "of" }, make("bdi", {}, authority)), " ", make("span", {}, said(state)),
    row.disputed ? make("span", { class: "flag" }, " disputed") : "");
  button.type = "button";
  button.dataset.key = `${row.authority}|${row.group}`;
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => openCell(row));
  node.append(button);
  return node;
}

// The standing that says most: one that is under way, else the one that lists.
function worst(row) {
  const states = row.standings.map((standing) => standing.state);
  return states.find((state) => /-(proposed|decided)$/.test(state)) ?? states.find((state) => group(state) === "on")
    ?? states[0] ?? "unknown";
}

function group(state) {
  if (/-(proposed|decided)$/.test(state)) return "moving";
  if (state === "listed" || state === "suspended") return "on";
  if (state === "recognised") return "recognised";
  return state === "delisted" || state === "unlisted" ? "off" : "unclear";
}

async function openCell(row) {
  at("cell-title").replaceChildren(make("bdi", {}, row.authority_name), " ▸ ", make("bdi", {}, row.group_name));
  at("cell-body").replaceChildren(make("p", { class: "dim" }, "reading …"));
  at("cell").showModal();
  const query = new URLSearchParams({ authority: row.authority, group: row.group });
  const facts = await load(`/api/ledger?${query}`);
  at("cell-body").replaceChildren(...(facts ? cellBody(facts) : [make("p", {}, "It could not be read.")]));
}

function cellBody({ row, history: told }) {
  const standings = make("ul", { class: "standings" }, row.standings.map((standing) => make("li", {},
    make("b", {}, said(standing.state)), standing.instrument ? `, ${standing.instrument}` : "",
    standing.scope ? `, ${said(standing.scope)} only` : "", standing.since ? `, since ${standing.since}` : "")));
  const list = make("ol", { class: "told" }, told.map(report));
  const rest = told.length ? list : make("p", { class: "dim" }, row.baseline
    ? "From the registry's baseline; no story has told of it." : "The stories behind it are no longer remembered here.");
  return [make("h3", {}, "Now"), standings, make("h3", {}, "Reported"), rest];
}

function report(told) {
  const head = told.change
    ? [make("b", {}, `${told.change} ${told.stage}`), told.acted_on ? `, ${told.acted_on}` : "",
      make("span", { class: "dim" }, told.news ? " · news" : " · background")]
    : [make("b", {}, "says no longer anything of it")];
  return make("li", { class: told.withdrawn ? "withdrawn" : "" }, make("p", {}, head),
    told.evidence ? make("blockquote", {}, make("p", { class: "text" }, told.evidence)) : "",
    make("p", { class: "source dim" }, link(told.link, make("bdi", {}, told.headline)), " · ", make("bdi", {}, told.feed),
      told.published ? [", ", when(told.published)] : ""));
}

at("cell-close").addEventListener("click", () => at("cell").close());
