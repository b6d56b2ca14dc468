// The live page. Whatever comes from a story enters the document as a text node and nowhere else.

const VIEWS = ["alerts", "ledger", "feeds"];
const FILTERS = ["authority", "group", "change", "stage", "level", "confidence"];
const LOOK_MS = 15_000;
const STALE_DAYS = 30;
const KEPT = 2_000; // alerts in a page that is left open
const DAY_MS = 86_400_000;
const FINE = new Set(["ok", "not-modified", "unchanged", "pushed"]);

const at = (id) => document.getElementById(id);
const form = at("filters");
const alerts = new Map();
const drawn = new Map();
let ledgerRows = [];
let ready = false;
let headings = 0;

// ---- elements

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  if (options.class) node.className = options.class;
  if (options.role) node.setAttribute("role", options.role);
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== "") node.append(child);
  }
  return node;
}

const said = (word) => String(word).replaceAll("-", " ");

function when(moment, className = "") {
  const node = make("time", { class: className });
  const date = new Date(moment);
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString();
  node.textContent = age(date);
  return node;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });

function age(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (seconds > -5 && seconds < 60) return "just now"; // clocks differ
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

function link(href, ...children) {
  if (!href || !/^https?:\/\//i.test(href)) return make("span", {}, ...children);
  const node = make("a", {}, ...children);
  node.href = href;
  node.rel = "noopener noreferrer nofollow";
  node.target = "_blank";
  return node;
}

// ---- alerts

function title(alert) {
  return alert.status === "retracted" ? `retracted: ${what(alert)}` : what(alert);
}

function what(alert) {
  const kinds = { partial: "off one list", extended: "listing extended", renewal: "listing renewed", lapse: "listing lapsed" };
  if (alert.kind === "change") return said(alert.to);
  return kinds[alert.kind] ?? `${alert.change} ${alert.stage}`;
}

function card(alert) {
  const headingId = `alert-${++headings}`;
  const article = make("article", { class: `alert ${tone(alert)}` });
  article.setAttribute("aria-labelledby", headingId);
  article.tabIndex = -1;
  const heading = make("h3", {}, make("span", { class: "what" }, title(alert)), " ", make("span", { class: "whom" },
    make("bdi", {}, alert.authority_name), make("span", { class: "dim" }, " ▸ "), make("bdi", {}, alert.group_name)));
  heading.id = headingId;
  article.append(
    make("header", {}, heading, when(alert.at, "dim")),
    badges(alert),
    make("p", { class: "move" }, said(alert.from), make("span", { class: "dim" }, " → "), make("b", {}, said(alert.to)),
      alert.acted_on ? `, ${alert.acted_on}` : "", alert.effective_on ? `, in force ${alert.effective_on}` : ""),
    evidence(alert),
    make("p", { class: "voice" }, ...voice(alert)),
    source(alert),
    ...past(alert),
  );
  return article;
}

function tone(alert) {
  if (alert.status === "retracted") return "is-retracted";
  if (alert.status === "superseded") return "is-superseded";
  return `is-${alert.kind}`;
}

function badges(alert) {
  const list = make("ul", { class: "badges" });
  const facts = [[alert.level, `level-${alert.level}`], [alert.change, ""], [alert.stage, ""]];
  if (alert.status !== "live") facts.unshift([alert.status, `status-${alert.status}`]);
  if (alert.instrument) facts.push([alert.instrument, ""]);
  if (alert.scope) facts.push([`part: ${said(alert.scope)}`, ""]);
  facts.push([`confidence ${alert.confidence.toFixed(2)}`, "plain"]);
  for (const [text, className] of facts) list.append(make("li", { class: className }, text));
  return list;
}

function evidence(alert) {
  const { before, marked, after, whole } = alert.text;
  const mark = make("mark", {}, marked);
  if (!whole || !(before + after).trim()) return make("blockquote", {}, make("p", { class: "text" }, mark));
  const details = make("details", {}, make("summary", {}, "read it in its story"),
    make("p", { class: "text" }, before, mark.cloneNode(true), after));
  details.dataset.keep = "story";
  return make("blockquote", {}, make("p", { class: "text" }, mark), details);
}

function voice(alert) {
  if (alert.speaker) {
    const through = alert.medium && alert.medium !== alert.speaker ? [" through ", make("bdi", {}, alert.medium)] : [];
    return ["said by ", make("b", {}, make("bdi", {}, alert.speaker)), ...through];
  }
  return alert.medium ? ["as ", make("bdi", {}, alert.medium), " has it"] : ["nobody is named as the source"];
}

function source(alert) {
  const story = alert.story;
  const published = story.published ? [", published ", when(story.published)] : [];
  return make("p", { class: "source dim" }, link(story.link, make("bdi", {}, story.headline || "untitled")), " · ",
    make("bdi", {}, story.source ? `${story.source} (${story.feed})` : story.feed), ...published);
}

function past(alert) {
  if (alert.revisions.length < 2) return [];
  const list = make("ol", { class: "revisions" });
  for (const revision of alert.revisions) {
    const facts = `${revision.level}, ${revision.status}, confidence ${revision.confidence.toFixed(2)}`;
    list.append(make("li", {}, make("b", {}, `revision ${revision.revision}: `), make("bdi", {}, revision.reason),
      make("span", { class: "dim" }, ` (${facts}) `), when(revision.at, "dim")));
  }
  const last = alert.revisions.at(-1);
  const details = make("details", {}, make("summary", {}, `revision ${last.revision}: `, make("bdi", {}, last.reason)), list);
  details.dataset.keep = "revisions";
  return [details];
}

function matches(alert, wanted) {
  if (wanted.confidence && alert.confidence < Number(wanted.confidence)) return false;
  return FILTERS.slice(0, 5).every((name) => !wanted[name] || alert[name] === wanted[name]);
}

const wantedNow = () => Object.fromEntries(FILTERS.map((name) => [name, form.elements[name].value]));

function drawAlerts() {
  const wanted = wantedNow();
  const shown = [...alerts.values()].filter((alert) => matches(alert, wanted)).sort((a, b) => (a.at < b.at ? 1 : -1));
  const list = at("alerts");
  const items = shown.map(item);
  const focused = document.activeElement;
  for (const [index, node] of items.entries()) {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  }
  while (list.children.length > items.length) list.lastElementChild.remove();
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  at("alerts-count").textContent = alerts.size ? String(alerts.size) : "";
  at("alerts-note").textContent = note(shown.length);
}

function note(shown) {
  if (!alerts.size) return ready ? "No alerts yet. They appear here as they come." : "Reading the logs …";
  return shown === alerts.size ? "" : `${shown} of ${alerts.size} alerts match the filters.`;
}

// An alert's element, kept while it looks the same, so that focus, selection and what is open survive.
function item(alert) {
  const print = `${alert.revision} ${alert.text.whole}`;
  const old = drawn.get(alert.id);
  if (old?.print === print) return old.node;
  const node = make("li", { class: alert.fresh ? "fresh" : "" }, card(alert));
  for (const open of old?.node.querySelectorAll("details[open]") ?? []) {
    const same = node.querySelector(`details[data-keep=${open.dataset.keep}]`);
    if (same) same.open = true;
  }
  drawn.set(alert.id, { node, print });
  return node;
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
  if (isNews) announce(alert);
}

function forget(id) {
  alerts.delete(id);
  drawn.delete(id);
}

function announce(alert) {
  if (!matches(alert, wantedNow())) return;
  const kind = alert.status === "retracted" ? "Retracted" : alert.revision > 1 ? "Alert revised" : "New alert";
  at("news").textContent = `${kind}: ${alert.authority_name}, ${alert.group_name}, ${what(alert)}, ${alert.level}`;
}

// ---- ledger

function drawLedger() {
  const authorities = names("authority");
  const groups = names("group");
  const byKey = new Map(ledgerRows.map((row) => [`${row.authority}|${row.group}`, row]));
  const head = make("tr", { role: "row" }, heading("Group", "columnheader"),
    authorities.map(([, name]) => heading(name, "columnheader")));
  const rows = groups.map(([group, name]) => make("tr", { role: "row" }, heading(name, "rowheader"),
    authorities.map(([authority, text]) => cell(byKey.get(`${authority}|${group}`), text))));
  const focused = document.activeElement?.dataset?.key;
  at("ledger").replaceChildren(make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, rows));
  if (focused) [...at("ledger").querySelectorAll("button")].find((node) => node.dataset.key === focused)?.focus();
  at("ledger-note").textContent = ledgerRows.length
    ? "Where each group stands with each authority that a story has moved; pale cells are the registry's baseline. Choose a cell for its history."
    : "Nothing has moved yet.";
}

function names(side) {
  const found = new Map(ledgerRows.map((row) => [row[side], row[`${side}_name`]]));
  return [...found].sort((a, b) => a[1].localeCompare(b[1]));
}

function heading(text, role) {
  const node = make("th", { role }, make("bdi", {}, text));
  node.scope = role === "rowheader" ? "row" : "col";
  return node;
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

// ---- feeds

function drawFeeds(feeds) {
  const columns = ["Feed", "Last look", "Outcome", "Newest item", "Remarks"];
  const head = make("tr", { role: "row" }, columns.map((name) => heading(name, "columnheader")));
  const rows = feeds.sort((a, b) => health(b).length - health(a).length || (a.feed < b.feed ? -1 : 1)).map(feedRow);
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
  if (feed.next_due && Date.now() - new Date(feed.next_due) > 10 * 60_000) found.push("not polled");
  if (feed.moved_to) found.push("has moved");
  return found;
}

function feedRow(feed) {
  const ill = health(feed);
  const cells = [
    ["Last look", feed.polled_at ? when(feed.polled_at) : "never"],
    ["Outcome", make("span", { class: FINE.has(feed.outcome) ? "good" : "bad" }, said(feed.outcome ?? "none"))],
    ["Newest item", feed.newest ? when(feed.newest) : "unknown"],
    ["Remarks", [...ill, feed.waiting ? `${feed.waiting} stories waiting` : ""].filter(Boolean).join(", ")],
  ];
  return make("tr", { role: "row", class: ill.length ? "ill" : "" }, heading(feed.feed, "rowheader"),
    cells.map(([name, content]) => make("td", { role: "cell" }, content ? [make("span", { class: "of" }, name), " ", content] : [])));
}

// ---- what comes from the server

async function load(path) {
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function loadAlerts() {
  const facts = await load("/api/alerts");
  if (!facts) return again(); // nothing of it was seen, so nothing may be resumed from
  const first = !ready;
  ready = facts.ready;
  const known = new Set(alerts.keys());
  const kept = new Set(facts.alerts.map((alert) => alert.id));
  for (const id of known) if (!kept.has(id)) forget(id);
  for (const alert of facts.alerts.reverse()) takeAlert(alert, !first);
  fillChoices();
  drawAlerts();
}

async function loadLedger() {
  const facts = await load("/api/ledger");
  if (!facts) return;
  const same = JSON.stringify(facts.rows) === JSON.stringify(ledgerRows);
  ledgerRows = facts.rows;
  if (!same || !at("ledger").childElementCount) drawLedger();
}

async function loadFeeds() {
  const facts = await load("/api/feeds");
  if (facts) drawFeeds(facts.feeds);
}

function look() {
  if (document.hidden) return;
  loadLedger();
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
at("cell-close").addEventListener("click", () => at("cell").close());
document.addEventListener("visibilitychange", look);
setInterval(look, LOOK_MS);
fromAddress();
listen();
