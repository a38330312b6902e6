// What a link in a model's answer may be: an address that a person opens by choice, shown with where it leads.

const ALLOWED = new Set(["http:", "https:", "mailto:"]);

export interface Target {
  readonly href: string;
  /** Where it leads: a host in the letters of the network, or an address of mail. */
  readonly place: string;
}

/** Null for whatever is no whole address of the web or of mail: that is shown as text. */
export function targetOf(written: string | undefined): Target | null {
  if (written === undefined) return null;
  let url: URL;
  try {
    url = new URL(written.trim());
  } catch {
    return null;
  }
  if (!ALLOWED.has(url.protocol)) return null;
  if (url.protocol === "mailto:") return url.pathname === "" ? null : { href: url.href, place: url.pathname };
  // A name before the host is there to be taken for the host.
  if (url.username !== "" || url.password !== "") return null;
  return { href: url.href, place: url.host };
}
