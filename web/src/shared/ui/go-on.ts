// Keeps a keyboard's place where the button that is pressed goes away, or its use does.
import type { MouseEvent } from "react";

/** Does it, and goes on at the last thing that can be used in the `fieldset` or `data-group` of the button. */
export function goOn({ currentTarget: button }: MouseEvent<HTMLButtonElement>, doing: () => void): void {
  const group = button.closest("fieldset, [data-group]");
  doing();
  requestAnimationFrame(() => {
    if (button.isConnected && !button.disabled) return;
    const left = group?.querySelectorAll<HTMLElement>("input, textarea, select, button:enabled");
    left?.item(left.length - 1)?.focus();
  });
}
