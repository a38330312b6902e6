// What is done to a page that is painted already but not yet alive (`scripts/first-paint.mjs`): fields that keep it.
import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from "react";

const FIELDS = "input, textarea, select";
const never = () => () => undefined;
/** Of all the fields of the page, in its order. */
const toRepeat: ((() => void) | null)[] = [];

/** The last field first: a choice may take away fields that stand behind it, and with them what was typed there. */
function repeatAll(): void {
  for (const repeat of toRepeat.splice(0).reverse()) repeat?.();
}

/** What was typed or chosen in here before the page was alive counts as done now: it would be lost to what the fields began with. */
export function useDoneEarly<T extends HTMLElement>(): RefObject<T | null> {
  const place = useRef<T>(null);
  const isComingAlive = useSyncExternalStore(never, () => false, () => true);
  // Into a field that is made later nothing can have been typed, though its text may differ from what it began with: a browser
  // writes line ends in its own way.
  const [cameWithPage] = useState(isComingAlive);
  useEffect(() => {
    if (!cameWithPage) return;
    for (const field of place.current?.querySelectorAll<Field>(FIELDS) ?? []) toRepeat.push(repeatOf(field));
    // After the effects of the whole screen: some of them bring back what stood there last time.
    const timer = setTimeout(repeatAll);
    return () => clearTimeout(timer);
  }, [cameWithPage]);
  return place;
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Does once more to a field what was done to it, so that the library hears of it; null where nothing was. */
function repeatOf(field: Field): (() => void) | null {
  if (field instanceof HTMLSelectElement) {
    const chosen = field.value;
    if (chosen === begunWith(field)) return null;
    return () => {
      field.value = chosen;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    };
  }
  if (field.type === "radio" || field.type === "checkbox") return repeatOfChoice(field as HTMLInputElement);
  const typed = field.value;
  if (typed === field.defaultValue) return null;
  return () => {
    field.value = "";
    // Past the library, which knows this text already and would see no change.
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field) as object, "value")?.set?.call(field, typed);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

/** A radio button that lost its mark is told by the one that has it now. */
function repeatOfChoice(field: HTMLInputElement): (() => void) | null {
  const { checked } = field;
  if (checked === field.defaultChecked || (field.type === "radio" && !checked)) return null;
  return () => {
    field.checked = !checked;
    field.click();
  };
}

function begunWith(field: HTMLSelectElement): string | undefined {
  const options = [...field.options];
  return (options.find(({ defaultSelected }) => defaultSelected) ?? options[0])?.value;
}
