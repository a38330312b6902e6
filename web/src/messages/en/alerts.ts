/** What is wrong, and what to do about it. */
const alerts = {
  label: "What is wrong",
  critical: "Critical",
  warning: "Warning",
  more: "{count, plural, one {and # more} other {and # more}}",
  dismiss: "Hide this until it changes",
  go: { models: "To the models", runs: "To the runs", settings: "To the settings", metrics: "To the metrics" },
  breaker: "“{model}” failed several times in a row and is left alone for now. See what it says, or name another model.",
  errors:
    "{errors, number} of the {calls, number} calls of the last five minutes failed, most of them with “{slug}” at “{model}”. See what it says, or name another model.",
  memory: "Of {name} only {free_gb} of {total_gb} GB are free. Put a model out of memory, or close other programs.",
  ram: "the RAM",
  queue_warning: "{queued, number} runs wait of the {limit, number} that may. Stop those that nobody needs, or raise AGENT_LAB_MAX_RUNS.",
  queue_critical: "{queued, number} runs wait, and no more is taken. Stop those that nobody needs, or raise AGENT_LAB_MAX_RUNS.",
  waiting: "A run has been waiting for its turn for {minutes, number} minutes. Stop runs that nobody needs, or raise AGENT_LAB_MAX_RUNS.",
  disk: "The disk with the data folder has {free_gb} GB left. Make room on it, or runs cannot be kept.",
  budget_warning: "{spent} of today’s {budget} are spent; past that hosted models are refused. Raise AGENT_LAB_DAILY_BUDGET_USD to go on.",
  budget_critical: "{spent} of today’s {budget} are spent; hosted models are refused until midnight (UTC). Raise AGENT_LAB_DAILY_BUDGET_USD to go on.",
};

export default alerts;
