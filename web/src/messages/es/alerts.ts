import type en from "../en/alerts";

const alerts: typeof en = {
  label: "Qué va mal",
  critical: "Crítico",
  warning: "Aviso",
  more: "{count, plural, one {y # más} other {y # más}}",
  dismiss: "Ocultar hasta que cambie",
  go: { models: "A los modelos", runs: "A las ejecuciones", settings: "A los ajustes", metrics: "A las métricas" },
  breaker: "«{model}» ha fallado varias veces seguidas y de momento no se le pregunta. Mira qué dice, o usa otro modelo.",
  errors:
    "Han fallado {errors, number} de las {calls, number} llamadas de los últimos cinco minutos, la mayoría con «{slug}» en «{model}». Mira qué dice, o usa otro modelo.",
  memory: "En {name} solo quedan libres {free_gb} de {total_gb} GB. Saca un modelo de la memoria o cierra otros programas.",
  ram: "la RAM",
  queue_warning:
    "Esperan {queued, number} ejecuciones de las {limit, number} que caben. Detén las que nadie necesite o sube AGENT_LAB_MAX_RUNS.",
  queue_critical: "Esperan {queued, number} ejecuciones y no se acepta ninguna más. Detén las que nadie necesite o sube AGENT_LAB_MAX_RUNS.",
  waiting:
    "Una ejecución lleva {minutes, number} minutos esperando su turno. Detén las que nadie necesite o sube AGENT_LAB_MAX_RUNS.",
  disk: "Al disco de la carpeta de datos le quedan {free_gb} GB. Haz sitio en él o no se podrán guardar ejecuciones.",
  budget_warning:
    "Hoy se han gastado {spent} de {budget}; al llegar al límite se rechazan los modelos de pago. Sube AGENT_LAB_DAILY_BUDGET_USD para seguir.",
  budget_critical:
    "Hoy se han gastado {spent} de {budget}; los modelos de pago se rechazan hasta medianoche (UTC). Sube AGENT_LAB_DAILY_BUDGET_USD para seguir.",
};

export default alerts;
