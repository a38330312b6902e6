/** Sentences of the server that are a closed set, as it says them; in English they are shown as they come. */
const said = (sentence: string) => ({ of: sentence, text: sentence });

const server = {
  model_no_key: said("''{model}'' needs {variable}; put it into .env, or use a local model (`agent-lab models list` shows them)."),
  model_offline: said("''{model}'' is asked over the network, which --offline (AGENT_LAB_OFFLINE) forbids; leave that out, or use a local model (`agent-lab models list` shows them)."),
  model_no_provider: said("''{model}'' is served by ''{provider}'', which no [[provider]] row describes; add one, or use a local model (`agent-lab models list` shows them)."),
  not_for_task: said("''{model}'' is not listed for ''{other}'', which the task ''{task}'' asks for."),
  no_key: said("Put {variable} into {file} or the environment, and start again."),
  offline: said("''{provider}'' is asked over the network, which AGENT_LAB_OFFLINE forbids; leave that out."),
  no_library: said("Models of ''{provider}'' need the library ''{library}''; install it: pip install ''agent-lab[hosted]''."),
  no_local: said("Models of this machine need {library}; install them: pip install ''agent-lab[local]''."),
  plugin_offline: said("Nobody knows where the plug-in ''{provider}'' sends a question; leave AGENT_LAB_OFFLINE out."),
  plugin_broken: said("The plug-in that serves ''{provider}'' could not be used; `agent-lab doctor` says why."),
  lists_one_with_key: said("{host} answers with the key in {variable} and lists 1 model."),
  lists_with_key: said("{host} answers with the key in {variable} and lists {count} models."),
  lists_one: said("{host} answers and lists 1 model."),
  lists: said("{host} answers and lists {count} models."),
  takes_key: said("{host} takes the key in {variable}."),
  wrote: said("''{model}'' wrote one token."),
  stood_in: said("''{model}'' did not answer, and ''{other}'' stood in for it."),
  late: said("''{model}'' did not answer within {seconds} s; try again later."),
  no_local_model: said("No model of this machine is in memory or built in; load one, and test again."),
  no_row: said("''{provider}'' does not list its models, and no [[model]] row names one; add one, and test again."),
  scripted: said("It answers from a script; nobody is called."),
  unreachable: said("''{provider}'' cannot be reached at {host}; look at the network and at its base_url, or use another model."),
  silent: said("''{provider}'' did not answer in time; use another model, or try again later."),
  misdirected: said("''{provider}'' did not answer as a model does; correct its base_url or use another model."),
  wrong_key: said("''{provider}'' does not accept the key in {variable} for ''{model}''; put one that it takes into .env."),
  wants_key: said("''{provider}'' asks for a key; name its variable as key_env in the [[provider]] row."),
  no_credit: said("The account at ''{provider}'' has no credit left; add some, or use another model."),
  no_such_model: said("''{provider}'' has no model ''{other}''; correct the row of ''{model}'' or use another model."),
  too_many: said("''{provider}'' takes no more requests for ''{model}'' now; try again later."),
  too_busy: said("''{provider}'' has too much to do to answer for ''{model}''; try again later."),
};

export default server;
