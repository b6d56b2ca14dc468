// One alert as a person reads it: a card of its own, or a line that opens.

import { link, make, said, when } from "./elements.js";

// Fields of an alert that do not say themselves what they are.
const FIELDS = {
  acted_on: "day of the act",
  confirmed: "the authority's own word",
  effective_on: "day of effect",
  medium: "through whom",
  speaker: "who says it",
};

let headings = 0;

export function title(alert) {
  return alert.status === "retracted" ? `retracted: ${what(alert)}` : what(alert);
}

export function what(alert) {
  const kinds = { partial: "off one list", extended: "listing extended", renewal: "listing renewed", lapse: "listing lapsed" };
  if (alert.kind === "change") return said(alert.to);
  return kinds[alert.kind] ?? `${alert.change} ${alert.stage}`;
}

// An alert on its own.
export function card(alert) {
  const { article, heading } = frame(alert, "h3");
  article.append(make("header", {}, heading, when(alert.at, "dim")), ...body(alert, standing(alert), parts(alert)),
    source(alert), ...past(alert));
  return article;
}

// An alert among others of its story: one line that opens. The source stands once, above them all, unless this one
// has come to rest on another story.
export function line(alert, story) {
  const { article, heading } = frame(alert, "h4");
  const rest = alert.story.id === story.id ? [] : [source(alert)];
  const details = make("details", {}, make("summary", {}, heading, brief(alert)), ...body(alert), ...rest, ...past(alert));
  details.dataset.keep = "alert";
  article.classList.add("line");
  article.append(details);
  return article;
}

function frame(alert, level) {
  const article = make("article", { class: `alert ${tone(alert)}` });
  const heading = make(level, {}, make("span", { class: "what" }, title(alert)), " ", make("span", { class: "whom" },
    make("bdi", {}, alert.authority_name), make("span", { class: "dim" }, " ▸ "), make("bdi", {}, alert.group_name)));
  heading.id = `alert-${++headings}`;
  article.setAttribute("aria-labelledby", heading.id);
  article.tabIndex = -1;
  return { article, heading };
}

function body(alert, above = [], parts = []) {
  return [
    list(...above, [alert.change, ""], [alert.stage, ""], ...parts, [sourcesOf(alert), "plain"],
      [`confidence ${alert.confidence.toFixed(2)}`, "plain"]),
    make("p", { class: "move" }, said(alert.from), make("span", { class: "dim" }, " → "), make("b", {}, said(alert.to)),
      alert.acted_on ? `, ${alert.acted_on}` : "", alert.effective_on ? `, in force ${alert.effective_on}` : ""),
    evidence(alert),
    make("p", { class: "voice" }, ...voice(alert)),
  ];
}

export function tone(alert) {
  if (alert.status === "retracted") return "is-retracted";
  if (alert.status === "superseded") return "is-superseded";
  return `is-${alert.kind}`;
}

const list = (...facts) => make("ul", { class: "badges" }, facts.map(([text, name]) => make("li", { class: name }, text)));

// As much of it as tells the lines of a story apart; that it is retracted the title says.
function brief(alert) {
  const facts = [...standing(alert).filter(([text]) => text !== "retracted"), ...parts(alert)];
  if (alert.sources > 1) facts.push([sourcesOf(alert), "plain"]);
  return make("span", { class: "badges" }, facts.flatMap(([text, name]) => [" ", make("span", { class: name }, text)]));
}

function standing(alert) {
  const level = [alert.level, `level-${alert.level}`];
  return alert.status === "live" ? [level] : [[alert.status, `status-${alert.status}`], level];
}

function parts(alert) {
  const found = [];
  if (alert.instrument) found.push([alert.instrument, ""]);
  if (alert.scope) found.push([`part: ${said(alert.scope)}`, ""]);
  return found;
}

// None counts where all that say so are cut short or not trusted.
function sourcesOf(told) {
  if (!told.sources) return "no source that counts";
  return told.sources === 1 ? "1 source" : `${told.sources} independent sources`;
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

function source({ story }) {
  return make("p", { class: "source dim" }, headline(story), " · ", ...origin(story));
}

export function headline(story) {
  return link(story.link, make("bdi", {}, story.headline || "untitled"));
}

export function origin(story) {
  const published = story.published ? [", published ", when(story.published)] : [];
  return [make("bdi", {}, story.source ? `${story.source} (${story.feed})` : story.feed), ...published];
}

function past(alert) {
  if (alert.revisions.length < 2) return [];
  const all = make("ol", { class: "revisions" });
  for (const revision of alert.revisions) {
    const facts = [revision.level, revision.status, `confidence ${revision.confidence.toFixed(2)}`, sourcesOf(revision)];
    all.append(make("li", {}, make("b", {}, `revision ${revision.revision}: `), ...why(revision),
      make("span", { class: "dim" }, ` (${facts.join(", ")}) `), when(revision.at, "dim")));
  }
  const last = alert.revisions.at(-1);
  const details = make("details", {}, make("summary", {}, `revision ${last.revision}: `, ...why(last)), all);
  details.dataset.keep = "revisions";
  return [details];
}

// What became of the alert, for what reason, and which of its fields are not what they were.
function why({ changed, level, reason, status }) {
  const now = [changed.includes("status") ? status : "", changed.includes("level") ? level : ""].filter(Boolean);
  const because = make("bdi", {}, now.includes(level) && reason.startsWith(`${level}: `) ? reason.slice(level.length + 2) : reason);
  const fields = changed.map((name) => FIELDS[name] ?? said(name).replaceAll("_", " "));
  return [...(now.length ? [`now ${now.join(" and ")} (`, because, ")"] : [because]),
    fields.length ? make("span", {}, "; changed: ", make("bdi", {}, fields.join(", "))) : ""];
}
