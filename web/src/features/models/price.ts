// A model's price in words: what a million tokens cost, read and written.
import type { Model } from "@/shared/api/endpoints";

type Words = (key: "free" | "price_unknown") => string;

/** "$0.25 / $2.00", "free", or that it is not known. A model of this machine, and a row that only shares requests out,
 * has none. */
export function priceWords({ price, provider, split }: Model, usd: (amount: number) => string, t: Words): string {
  if (price === null && (provider === "local" || Object.keys(split).length > 0)) return "–";
  if (price === null) return t("price_unknown");
  if (price.input_usd_per_mtok === 0 && price.output_usd_per_mtok === 0) return t("free");
  return `${usd(price.input_usd_per_mtok)} / ${usd(price.output_usd_per_mtok)}`;
}
