/** Words of the menu on the flow builder's canvas. */
const canvasMenu = {
  label: "Menu of the canvas",
  items: {
    trial: "Run this node …",
    pins: "Pin its inputs …",
    settings: "Settings",
    rename: "Rename …",
    connect: "Connect to …",
    behind: "Add a node behind it …",
    into: "Add a node into it …",
    into_none: "An edge back takes no node",
    duplicate: "Duplicate",
    copy: "Copy",
    cut: "Cut",
    paste: "Paste here",
    delete: "Delete",
    add: "Add a node here …",
    note: "Add a note here",
    write: "Write",
    tone_plain: "Plain",
    tone_accent: "Blue",
    tone_warn: "Amber",
    select_all: "Select all",
    tidy: "Put in order",
    fit: "Show all",
    help: "Keys",
  },
  paste_by_key: "This browser lets no menu read what was copied. Close the menu and press the key for pasting (Ctrl+V).",
  nothing_to_paste: "What was copied last are no nodes or notes. Copy some first.",
};

export default canvasMenu;
