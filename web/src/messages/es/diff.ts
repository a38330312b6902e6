import type en from "../en/diff";

const diff: typeof en = {
  label: "De «{before}» a «{after}»",
  before: "Antes",
  after: "Después",
  same: "Igual, palabra por palabra.",
  both_empty: "Ambos están vacíos.",
  hidden: "{count, plural, one {# línea igual} other {# líneas iguales}}",
};

export default diff;
