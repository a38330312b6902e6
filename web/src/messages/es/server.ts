import type en from "../en/server";

const server: typeof en = {
  model_no_key: {
    of: "''{model}'' needs {variable}; put it into .env, or use a local model (`agent-lab models list` shows them).",
    text: "«{model}» necesita {variable}: ponla en .env o usa un modelo local (los muestra `agent-lab models list`).",
  },
  model_offline: {
    of: "''{model}'' is asked over the network, which --offline (AGENT_LAB_OFFLINE) forbids; leave that out, or use a local model (`agent-lab models list` shows them).",
    text: "A «{model}» se le pregunta por la red y --offline (AGENT_LAB_OFFLINE) lo prohíbe: quítalo o usa un modelo local (los muestra `agent-lab models list`).",
  },
  model_no_provider: {
    of: "''{model}'' is served by ''{provider}'', which no [[provider]] row describes; add one, or use a local model (`agent-lab models list` shows them).",
    text: "A «{model}» lo sirve «{provider}», que no tiene ninguna tabla [[provider]]: añádela o usa un modelo local (los muestra `agent-lab models list`).",
  },
  not_for_task: {
    of: "''{model}'' is not listed for ''{other}'', which the task ''{task}'' asks for.",
    text: "«{model}» no figura entre los modelos para «{other}», que es lo que pide la tarea «{task}».",
  },
  no_key: {
    of: "Put {variable} into {file} or the environment, and start again.",
    text: "Pon {variable} en {file} o en el entorno y arranca de nuevo.",
  },
  offline: {
    of: "''{provider}'' is asked over the network, which AGENT_LAB_OFFLINE forbids; leave that out.",
    text: "A «{provider}» se le pregunta por la red y AGENT_LAB_OFFLINE lo prohíbe: quítala.",
  },
  no_library: {
    of: "Models of ''{provider}'' need the library ''{library}''; install it: pip install ''agent-lab[hosted]''.",
    text: "Los modelos de «{provider}» necesitan la biblioteca «{library}»: instálala con pip install ''agent-lab[hosted]''.",
  },
  no_local: {
    of: "Models of this machine need {library}; install them: pip install ''agent-lab[local]''.",
    text: "Los modelos de esta máquina necesitan {library}: instálalos con pip install ''agent-lab[local]''.",
  },
  plugin_offline: {
    of: "Nobody knows where the plug-in ''{provider}'' sends a question; leave AGENT_LAB_OFFLINE out.",
    text: "Nadie sabe adónde manda las preguntas el complemento «{provider}»: quita AGENT_LAB_OFFLINE.",
  },
  plugin_broken: {
    of: "The plug-in that serves ''{provider}'' could not be used; `agent-lab doctor` says why.",
    text: "El complemento que sirve «{provider}» no se ha podido usar; `agent-lab doctor` dice por qué.",
  },
  lists_one_with_key: {
    of: "{host} answers with the key in {variable} and lists 1 model.",
    text: "{host} responde con la clave de {variable} y ofrece 1 modelo.",
  },
  lists_with_key: {
    of: "{host} answers with the key in {variable} and lists {count} models.",
    text: "{host} responde con la clave de {variable} y ofrece {count} modelos.",
  },
  lists_one: {
    of: "{host} answers and lists 1 model.",
    text: "{host} responde y ofrece 1 modelo.",
  },
  lists: {
    of: "{host} answers and lists {count} models.",
    text: "{host} responde y ofrece {count} modelos.",
  },
  takes_key: {
    of: "{host} takes the key in {variable}.",
    text: "{host} acepta la clave de {variable}.",
  },
  wrote: {
    of: "''{model}'' wrote one token.",
    text: "«{model}» ha escrito un token.",
  },
  stood_in: {
    of: "''{model}'' did not answer, and ''{other}'' stood in for it.",
    text: "«{model}» no ha respondido y «{other}» lo ha hecho en su lugar.",
  },
  late: {
    of: "''{model}'' did not answer within {seconds} s; try again later.",
    text: "«{model}» no ha respondido en {seconds} s: prueba más tarde.",
  },
  no_local_model: {
    of: "No model of this machine is in memory or built in; load one, and test again.",
    text: "Ningún modelo de esta máquina está en memoria ni viene incluido: carga uno y prueba de nuevo.",
  },
  no_row: {
    of: "''{provider}'' does not list its models, and no [[model]] row names one; add one, and test again.",
    text: "«{provider}» no dice qué modelos tiene y ninguna tabla [[model]] nombra uno: añádela y prueba de nuevo.",
  },
  scripted: {
    of: "It answers from a script; nobody is called.",
    text: "Responde según un guion; no se llama a nadie.",
  },
  unreachable: {
    of: "''{provider}'' cannot be reached at {host}; look at the network and at its base_url, or use another model.",
    text: "No se puede llegar a «{provider}» en {host}: mira la red y su base_url, o usa otro modelo.",
  },
  silent: {
    of: "''{provider}'' did not answer in time; use another model, or try again later.",
    text: "«{provider}» no ha respondido a tiempo: usa otro modelo o prueba más tarde.",
  },
  misdirected: {
    of: "''{provider}'' did not answer as a model does; correct its base_url or use another model.",
    text: "«{provider}» no ha respondido como un modelo: corrige su base_url o usa otro modelo.",
  },
  wrong_key: {
    of: "''{provider}'' does not accept the key in {variable} for ''{model}''; put one that it takes into .env.",
    text: "«{provider}» no acepta la clave de {variable} para «{model}»: pon en .env una que acepte.",
  },
  wants_key: {
    of: "''{provider}'' asks for a key; name its variable as key_env in the [[provider]] row.",
    text: "«{provider}» pide una clave: nombra su variable como key_env en la tabla [[provider]].",
  },
  no_credit: {
    of: "The account at ''{provider}'' has no credit left; add some, or use another model.",
    text: "La cuenta en «{provider}» se ha quedado sin saldo: añade más o usa otro modelo.",
  },
  no_such_model: {
    of: "''{provider}'' has no model ''{other}''; correct the row of ''{model}'' or use another model.",
    text: "«{provider}» no tiene ningún modelo «{other}»: corrige la tabla de «{model}» o usa otro modelo.",
  },
  too_many: {
    of: "''{provider}'' takes no more requests for ''{model}'' now; try again later.",
    text: "«{provider}» no admite ahora más peticiones para «{model}»: prueba más tarde.",
  },
  too_busy: {
    of: "''{provider}'' has too much to do to answer for ''{model}''; try again later.",
    text: "«{provider}» tiene demasiado trabajo para responder por «{model}»: prueba más tarde.",
  },
};

export default server;
