import type en from "../en/flows";

/** Palabras de la lista de flujos. */
const flows: typeof en = {
  title: "Flujos",
  about: "Cómo trabajan juntos los modelos: los de la biblioteca, los de tus archivos y los que dibujas tú.",
  search: "Busca por nombre, descripción o papel",
  import: "Importar",
  none: "Aquí aún no hay flujos",
  not_found: "Ningún flujo contiene estas palabras",
  more: "Mostrar más (quedan {count})",
  broken: "El archivo {file} aún no es un flujo: {problem}",
  origin: { label: "De dónde viene", all: "Todos", stored: "Tuyos", file: "Archivos", library: "Biblioteca" },
  published: "Versión {version} publicada",
  draft: "Borrador, versión {version}",
  problems: "{count, plural, one {# problema} other {# problemas}}",
  actions: "Acciones de {name}",
  duplicate: "Duplicar",
  export: "Exportar",
  delete: "Eliminar",
  delete_title: "¿Eliminar {name}?",
  delete_body: "Desaparece de aquí y para quien lo ejecute. Sus versiones quedan para las ejecuciones que las nombran.",
  delete_beneath: "Tus borradores desaparecen de aquí; el flujo de la biblioteca o el archivo que hay debajo se queda.",
  deleted: "Se ha eliminado {name}.",
  new: {
    button: "Flujo nuevo",
    title: "Flujo nuevo",
    name: "Nombre",
    hint: "Puedes cambiarlo cuando quieras.",
    id: "Los comandos y otros flujos lo llaman {id}.",
    create: "Crear",
  },
};

export default flows;
