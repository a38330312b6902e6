import type en from "../en/worth";

const worth: typeof en = {
  label: "¿Vale la pena?",
  verdict: { better: "Vale la pena", worse: "No vale la pena", no_difference: "No gana nada", inconclusive: "Aún no está claro", refused: "No comparable" },
  unequal: "No se puede afirmar nada: {baseline} costó {ratio, number} veces lo que el flujo.",
  no_price: "No se puede afirmar nada: no se sabe cuánto cuesta uno de los dos.",
  expired: "Ya no es válido",
  points: "{value} puntos",
  interval: "de {low} a {high} puntos frente a {baseline}",
  on: "{items, plural, one {# pregunta} other {# preguntas}} de {dataset}",
};

export default worth;
