// Makes each page of a folder paint with its first answer: its styles come with it, and its scripts are asked for once it
// is painted, together with what they will ask of the server first. A phone would else fetch and run them first, and show
// nothing meanwhile. The scripts that every page starts with are marked, so that a browser reads them whole, aside, while
// they come: most of them runs at once, piece by piece else.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";

const STYLES = /<link rel="stylesheet" href="([^"]+)"[^>]*\/>/g;
const SCRIPT = /<script src="([^"]+)" async=""><\/script>/g;
const PRELOAD = /<link rel="preload" as="script"[^>]*\/>/g;
// What a page asks of the server first, word for word: the answer comes beside the scripts, not after them. `_` is what the
// address names. An address with a query asks for something else, and then nothing is asked ahead.
const ASKED_FIRST = {
  "index.html": ["/api/flows?limit=200", "/api/strategies", "/api/runs?limit=8"],
  "runs.html": ["/api/runs?limit=50", "/api/flows?limit=200"],
  "flows.html": ["/api/flows?limit=200"],
  "flows/_.html": ["/api/flows/_?version=draft"],
  "evaluations.html": ["/api/evaluations?limit=30"],
  "evaluations/new.html": ["/api/datasets", "/api/flows?limit=200"],
  "evaluations/_.html": ["/api/evaluations/_", "/api/evaluations/_/report"],
  "models.html": ["/api/providers"],
  "settings.html": ["/api/settings", "/api/providers"],
};
const ownServer = !process.env.NEXT_PUBLIC_API_URL && !process.env.NEXT_PUBLIC_MOCK_MODE;
// A page behind another tab is not painted: it starts at once. A button that is pressed before the app is alive is pressed
// again then; but not by a press that is on its way still (its phase is not 0), for that one brings the app to life.
const START =
  '(()=>{const start=()=>{if(!location.search)for(const path of ASKED){const it=document.createElement("link");' +
  'it.rel="preload";it.as="fetch";it.crossOrigin="use-credentials";' +
  'it.href=path.replace("_",location.pathname.split("/")[2]);document.head.append(it)}' +
  'for(const src of SCRIPTS){const it=document.createElement("script");' +
  "it.async=true;it.src=src;document.head.append(it)}};" +
  "document.hidden?start():requestAnimationFrame(()=>setTimeout(start));" +
  "const pressed=[],note=(press)=>pressed.push(press);" +
  'addEventListener("click",note,true);' +
  'addEventListener("alive",()=>{removeEventListener("click",note,true);' +
  'for(const {target,eventPhase} of pressed)eventPhase||target.closest("button")?.click()},{once:true})})()';

/** A mark that V8 knows; for any other engine it is a comment. */
const READ_WHOLE = "//# allFunctionsCalledOnLoad\n";

const folder = process.argv[2];
let everywhere = null;

/** A file of styles as it stands in a page: what it names is named from the page. */
function inPage(href) {
  const text = readFileSync(join(folder, href), "utf8");
  return text.replace(/url\((?!["']?(?:data:|\/|#))["']?([^"')]+)["']?\)/g, (_, path) => `url(${posix.join(dirname(href), path)})`);
}

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith(".html")) continue;
  // Node before 20.12 has the folder under another name.
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const page = readFileSync(path, "utf8");
  const links = page.match(STYLES) ?? [];
  const scripts = [...page.matchAll(SCRIPT)].map(([, src]) => src);
  if (links.length === 0 || scripts.length === 0) throw new Error(`${path}: no styles or no scripts where they were looked for`);
  everywhere = everywhere === null ? scripts : everywhere.filter((src) => scripts.includes(src));
  const asked = (ownServer && ASKED_FIRST[relative(folder, path)]) || [];
  const start = START.replace("ASKED", () => JSON.stringify(asked)).replace("SCRIPTS", () => JSON.stringify(scripts));
  writeFileSync(
    path,
    page
      .replace(STYLES, (_, href) => `<style>${inPage(href)}</style>`)
      .replace(PRELOAD, "")
      .replace(SCRIPT, "")
      // The app looks for the links before it goes on, and would wait for those that are missing. They come last: a script
      // behind one would wait for its file.
      .replace("</body>", () => `<script>${start}</script>${links.join("")}</body>`),
  );
}

for (const src of everywhere ?? []) {
  const path = join(folder, src);
  writeFileSync(path, READ_WHOLE + readFileSync(path, "utf8"));
}
