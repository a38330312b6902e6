import type en from "../en/canvas_menu";

/** Palabras del menú en el lienzo del constructor de flujos. */
const canvasMenu: typeof en = {
  label: "Menú del lienzo",
  items: {
    trial: "Ejecutar este nodo…",
    pins: "Fijar sus entradas…",
    settings: "Ajustes",
    rename: "Cambiar el nombre…",
    connect: "Conectar con…",
    behind: "Añadir un nodo detrás…",
    into: "Añadir un nodo en medio…",
    into_none: "Una arista de vuelta no admite nodos",
    duplicate: "Duplicar",
    copy: "Copiar",
    cut: "Cortar",
    paste: "Pegar aquí",
    delete: "Eliminar",
    add: "Añadir un nodo aquí…",
    note: "Añadir una nota aquí",
    write: "Escribir",
    tone_plain: "Neutra",
    tone_accent: "Azul",
    tone_warn: "Ámbar",
    select_all: "Seleccionar todo",
    tidy: "Ordenar",
    fit: "Ver todo",
    help: "Teclas",
  },
  paste_by_key: "Este navegador no deja que un menú lea lo copiado. Cierra el menú y pulsa la tecla de pegar (Ctrl+V).",
  nothing_to_paste: "Lo último que se copió no son nodos ni notas. Copia alguno primero.",
};

export default canvasMenu;
