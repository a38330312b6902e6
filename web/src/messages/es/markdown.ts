import type en from "../en/markdown";

/** Lo que escriben los modelos y lo que se puede hacer con ello. */
const markdown: typeof en = {
  new_tab: "se abre en una pestaña nueva",
  image: "Imagen sin cargar: {alt}",
  image_nameless: "Imagen sin cargar",
  copy_code: "Copiar el código",
};

export default markdown;
