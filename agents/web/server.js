// What is asked of the server.

export async function load(path) {
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
