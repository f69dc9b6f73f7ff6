// The page outside Airflow: a run's report, asked with the session's cookie, or on 3.0 with the token that its pages keep.
const place = document.getElementById("report");
const url = new URL("api/report", new URL("..", import.meta.url));
for (const [name, value] of new URLSearchParams(location.search)) url.searchParams.append(name, value);
url.searchParams.set("inline", "true");

async function answer() {
  const first = await fetch(url);
  const token = localStorage.getItem("token");
  return first.status === 401 && token ? fetch(url, { headers: { Authorization: `Bearer ${token.replace(/^"|"$/g, "")}` } }) : first;
}
const SENTENCES = { 401: "Sign in to Airflow in this browser, then reload this page.", 403: "You may not read the runs of this DAG." };

answer().then(async (response) => {
  const text = await response.text();
  if (!response.ok) {
    let said = "";
    try { said = JSON.parse(text).detail; } catch { /* not ours */ }
    place.textContent = SENTENCES[response.status] || (typeof said === "string" && said) || `Airflow answered ${response.status}.`;
    return;
  }
  // Parsed, never run: the policy of this page refuses scripts inside it.
  const report = new DOMParser().parseFromString(text, "text/html");
  document.title = report.title || document.title;
  document.body.className = "";
  document.head.querySelector("link")?.remove();
  for (const style of report.querySelectorAll("style")) document.head.append(document.importNode(style, true));
  document.body.replaceChildren(...[...report.body.childNodes].map((node) => document.importNode(node, true)));
}, () => { place.textContent = "Airflow does not answer."; });
