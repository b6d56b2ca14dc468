// How the page makes elements. Whatever comes from a story enters the document as a text node and nowhere else.

export const at = (id) => document.getElementById(id);

export function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  if (options.class) node.className = options.class;
  if (options.role) node.setAttribute("role", options.role);
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== "") node.append(child);
  }
  return node;
}

export const said = (word) => String(word).replaceAll("-", " ");

export function when(moment, className = "") {
  const node = make("time", { class: className });
  const date = new Date(moment);
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString();
  node.textContent = age(date);
  return node;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });

export function age(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (seconds > -5 && seconds < 60) return "just now"; // clocks differ
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

export function link(href, ...children) {
  if (!href || !/^https?:\/\//i.test(href)) return make("span", {}, ...children);
  const node = make("a", {}, ...children);
  node.href = href;
  node.rel = "noopener noreferrer nofollow";
  node.target = "_blank";
  return node;
}

export function heading(text, role) {
  const node = make("th", { role }, make("bdi", {}, text));
  node.scope = role === "rowheader" ? "row" : "col";
  return node;
}

// Makes `nodes` the children of the list, moving as few as can be; what is moved would lose the focus.
export function arrange(list, nodes) {
  const focused = document.activeElement;
  for (const [index, node] of nodes.entries()) {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  }
  while (list.children.length > nodes.length) list.lastElementChild.remove();
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}
