// Starts a run, follows it live and shows recent ones. Whatever a model or a person wrote is only ever set as text.
const el = (id) => document.getElementById(id);
const make = (tag, className, text) => Object.assign(document.createElement(tag), { className: className ?? "", textContent: text ?? "" });
const inLanguage = (text, language = "en") => (typeof text === "string" ? text : text?.[language] ?? text?.en ?? Object.values(text ?? {})[0] ?? "");
const EVENTS = ["run_started", "run_resumed", "node_started", "generation_started", "token", "restarted", "generation_finished", "node_finished", "run_finished"];
const STATES = { running: "Running", completed: "Completed", declined: "Declined", failed: "Failed", cancelled: "Stopped", limit_exceeded: "Stopped at a limit" };
let models = new Map(), flows = new Map(), current = null;

async function api(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try { response = await fetch(path, options); } catch { throw { detail: "The server cannot be reached; is agent-lab still running?" }; }
  const answer = await response.json().catch(() => ({ detail: `The server answered ${response.status}.` }));
  if (response.status === 401) signIn();
  if (!response.ok) throw answer;
  return answer;
}

function signIn() {
  for (const id of ["ask", "watch", "recent"]) el(id).hidden = true;
  el("hint").hidden = false;
  if (location.pathname === "/login") el("hint-text").textContent = "This link was used already or is too old. Start agent-lab up again for a new one.";
}

function showProblem(problem) {
  const named = (problem.where ?? "").split("/").pop();
  const field = ["prompt", "flow", "model"].find((name) => name === named) ?? "form";
  el(`${field}-error`).textContent = problem.detail ?? "Something went wrong.";
  if (field !== "form") { el(field).setAttribute("aria-invalid", "true"); el(field).focus(); }
}

function clearProblems() {
  for (const field of ["prompt", "flow", "model", "form"]) el(`${field}-error`).textContent = "";
  for (const field of ["prompt", "flow", "model"]) el(field).removeAttribute("aria-invalid");
}

function fillPickers(flowList, modelList) {
  flows = new Map(flowList.flows.map((flow) => [flow.id, flow]));
  models = new Map(modelList.models.map((model) => [model.key, model]));
  el("flow").replaceChildren(...flowList.flows.map((flow) => new Option(inLanguage(flow.name) || flow.id, flow.id)));
  if (flows.has("challenge")) el("flow").value = "challenge";
  const option = (model) => new Option(model.name + (model.demonstration ? " (demonstration)" : ""), model.key);
  const group = (label, list, disabled) => { const box = Object.assign(make("optgroup"), { label, disabled }); box.append(...list.map(option)); return box; };
  const usable = modelList.models.filter((model) => model.usable), rest = modelList.models.filter((model) => !model.usable);
  const chosen = models.get(modelList.default);
  el("model").replaceChildren(new Option(chosen ? `Default: ${chosen.name}` : "As the flow says", ""), group("Available", usable, false));
  if (rest.length) el("model").append(group("Not usable at present", rest, true));
  el("model").dataset.default = modelList.default ?? "";
  describe();
}

function describe() {
  const model = models.get(el("model").value || el("model").dataset.default);
  el("model-note").textContent = model?.demonstration ? "Demonstration: it does small sums, and says so when asked for more." : "";
  el("flow-note").textContent = inLanguage(flows.get(el("flow").value)?.description ?? "");
}

class Watch {
  constructor(runId) {
    Object.assign(this, { runId, lastSeq: 0, lanes: new Map(), voices: new Map(), pending: new Map(), over: false, demo: false });
    for (const id of ["lanes", "asked", "answer-text", "figures"]) el(id).textContent = "";
    el("answer").hidden = true; el("demo").hidden = true; el("watch").hidden = false;
    this.connect();
  }
  connect() {
    this.source = new EventSource(`/api/runs/${encodeURIComponent(this.runId)}/events?after=${this.lastSeq}`);
    for (const type of EVENTS) this.source.addEventListener(type, (message) => this.take(JSON.parse(message.data)));
    this.source.onerror = () => { if (!this.over && this.source.readyState === EventSource.CLOSED) this.lost(); };
  }
  async lost() { try { await api(`/api/runs/${encodeURIComponent(this.runId)}`); this.say("The connection was lost; reload to go on."); } catch (problem) { this.say(problem.detail); } }
  say(text, status = "running") { el("state").textContent = text; el("state").dataset.status = status; }
  take(event) {
    this.lastSeq = Math.max(this.lastSeq, event.seq);
    this[event.type]?.(event);
  }
  run_started(event) {
    el("asked").textContent = event.request.prompt;
    el("watch-title").textContent = `Run of ${inLanguage(event.flow.name)}`;
    for (const node of event.flow.nodes) this.lane(node.id, inLanguage(node.label, event.request.options.language));
    el("stop").disabled = false;
    this.say("Running");
  }
  lane(node, label) {
    if (!this.lanes.has(node)) {
      const card = make("section", "lane card"), head = make("header");
      const title = make("h3", "", label || node), state = make("span", "note", "waiting");
      head.append(title, state); card.append(head); card.dataset.node = node; el("lanes").append(card);
      this.lanes.set(node, { card, state });
    }
    return this.lanes.get(node);
  }
  voice(event) {
    const key = `${event.node}/${event.visit}/${event.sample ?? 0}`;
    if (!this.voices.has(key)) {
      const text = make("p", "said");
      if (event.visit > 1 || event.sample > 0) this.lane(event.node).card.append(make("h4", "", event.sample > 0 ? `Sample ${event.sample + 1}` : `Round ${event.visit}`));
      this.lane(event.node).card.append(text);
      this.voices.set(key, text);
    }
    return this.voices.get(key);
  }
  node_started(event) {
    const lane = this.lane(event.node, event.label);
    lane.state.textContent = event.visit > 1 ? `round ${event.visit} …` : "working …"; lane.card.dataset.state = "running";
    this.say(`${event.label || event.node} is at work`);
  }
  token(event) { // one update per frame, however fast tokens come; offset 0 brings the text so far
    const cell = this.voice(event), known = this.pending.has(cell) ? this.pending.get(cell) : cell.textContent;
    this.pending.set(cell, event.offset === 0 ? event.text : known + event.text);
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; this.flush(); });
  }
  restarted(event) {
    this.pending.delete(this.voice(event));
    this.voice(event).textContent = "";
    this.lane(event.node).card.append(make("p", "note", `An answer broke off and was asked for again: ${event.reason}`));
  }
  flush() { for (const [cell, text] of this.pending) cell.textContent = text; this.pending.clear(); }
  generation_finished(event) {
    this.flush();
    this.voice(event).textContent = event.result.text;
    this.demo ||= models.get(event.result.model_key)?.demonstration ?? false;
    const notes = event.result.notes.join(" ");
    if (notes) this.lane(event.node).card.append(make("p", "note", notes));
  }
  node_finished(event) {
    const lane = this.lane(event.node);
    lane.state.textContent = `${event.seconds.toFixed(1)} s`; lane.card.dataset.state = "done";
    if (!this.voices.has(`${event.node}/${event.visit}/0`)) lane.card.append(make("p", "said", event.output.text));
  }
  run_finished(event) { this.finish(event).catch(showProblem); }
  async finish(event) {
    this.over = true; this.source.close(); this.flush();
    if (current === this) el("stop").disabled = true;
    const fault = event.fault ? `: ${event.fault.message}` : "";
    this.say(`${STATES[event.status] ?? event.status}${fault}`, event.status);
    for (const { card, state } of this.lanes.values()) {
      if (card.dataset.state !== "done") state.textContent = card.dataset.state === "running" ? "not finished" : "not reached";
      card.dataset.state = "done";
    }
    if (event.answer) { el("answer-text").textContent = event.answer; el("answer").hidden = false; el("demo").hidden = !this.demo; }
    const { totals } = await api(`/api/runs/${encodeURIComponent(this.runId)}`);
    const cost = totals.cost_usd === null ? "cost not known" : `$${totals.cost_usd.toFixed(4)}`;
    if (current === this) el("figures").textContent = `${totals.calls} ${totals.calls === 1 ? "call" : "calls"} · ${totals.prompt_tokens} tokens read · ${totals.completion_tokens} written · ${totals.seconds.toFixed(1)} s · ${cost}`;
    recent();
  }
}

function follow() {
  const runId = new URLSearchParams(location.hash.slice(1)).get("run");
  if (current?.runId === runId) return;
  current?.source.close(); current = null; el("stop").disabled = true;
  if (runId) current = new Watch(runId); else el("watch").hidden = true;
}

async function recent() {
  const { runs } = await api("/api/runs?limit=20");
  el("no-runs").hidden = runs.length > 0;
  el("runs").replaceChildren(...runs.map((run) => {
    const item = make("li"), link = make("a", "", run.prompt.slice(0, 120));
    link.href = `#run=${encodeURIComponent(run.run_id)}`;
    item.append(link, make("span", "note", `${run.flow_id} · ${STATES[run.status] ?? run.status} · ${new Date(run.created_at).toLocaleString()}`));
    return item;
  }));
}

el("ask").addEventListener("submit", async (event) => {
  event.preventDefault(); clearProblems(); el("run").disabled = true;
  const options = el("model").value ? { model: el("model").value } : {};
  try {
    if (!el("prompt").value.trim()) throw { where: "prompt", detail: "Write a question first." };
    location.hash = `run=${(await api("/api/runs", { flow: el("flow").value, prompt: el("prompt").value, options })).run_id}`;
    await recent();
  } catch (problem) { showProblem(problem); } finally { el("run").disabled = false; }
});
el("prompt").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) el("ask").requestSubmit(); });
el("stop").addEventListener("click", () => api(`/api/runs/${encodeURIComponent(current.runId)}/cancel`, {}).catch(showProblem));
for (const id of ["flow", "model"]) el(id).addEventListener("change", describe);
addEventListener("hashchange", follow);
document.addEventListener("visibilitychange", () => { // six streams per host are all that a browser opens
  if (!current || current.over) return;
  if (document.hidden) current.source.close(); else if (current.source.readyState === EventSource.CLOSED) current.connect();
});

try {
  fillPickers(...(await Promise.all([api("/api/flows"), api("/models")])));
  el("ask").hidden = el("recent").hidden = false;
  follow();
  await recent();
} catch (problem) { if (el("hint").hidden) { el("ask").hidden = false; showProblem(problem); } }
