// Adds up money exactly, as the server does: 0.1 and 0.2 are 0.3.

/** `units` at so many decimal `places`. */
export interface Decimal {
  readonly units: bigint;
  readonly places: number;
}

export const ZERO: Decimal = { units: 0n, places: 0 };

/** The number as it is written in JSON, not the binary fraction nearest to it. */
export function decimal(value: number): Decimal {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const places = fraction.length - Number(exponent);
  const units = BigInt(whole + fraction);
  return places < 0 ? { units: scaled(units, -places), places: 0 } : { units, places };
}

/** A sum that is unknown as soon as one part of it is. */
export function add(one: Decimal | null, other: Decimal | null): Decimal | null {
  if (one === null || other === null) return null;
  const places = Math.max(one.places, other.places);
  return { units: scaled(one.units, places - one.places) + scaled(other.units, places - other.places), places };
}

export function toNumber(value: Decimal | null): number | null {
  return value === null ? null : Number(`${value.units}e-${value.places}`);
}

function scaled(units: bigint, places: number): bigint {
  return units * 10n ** BigInt(places);
}
