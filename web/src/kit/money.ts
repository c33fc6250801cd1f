export interface Money {
  minor: number;
  currency: string;
}

const formats = new Map<string, Intl.NumberFormat>();

function format(currency: string): Intl.NumberFormat {
  let it = formats.get(currency);
  if (!it) {
    it = new Intl.NumberFormat("en-US", { style: "currency", currency, currencyDisplay: "narrowSymbol" });
    formats.set(currency, it);
  }
  return it;
}

/** Digits after the point: 2 for USD, 0 for JPY. */
export function decimals(currency: string): number {
  return format(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** `$1,250.00`. Currencies that share a sign carry their code: `$1,250.00 CAD`. */
export function formatMoney(money: Money): string {
  const text = format(money.currency).format(money.minor / 10 ** decimals(money.currency));
  return money.currency !== "USD" && text.includes("$") ? `${text} ${money.currency}` : text;
}

/** As a person types it: `1250.00`. */
export function editMoney(money: Money): string {
  const digits = decimals(money.currency);
  return (money.minor / 10 ** digits).toFixed(digits);
}

/** Reads what a person typed as integer minor units, without going through a fraction. `null` if it is no amount. */
export function parseMinor(text: string, currency: string): number | null {
  const digits = decimals(currency);
  const plain = text
    .trim()
    .replace(/^[^\d.-]+/, "")
    .replaceAll(/[,\s]/g, "");
  const match = /^(\d+)(?:\.(\d*))?$/.exec(plain);
  if (!match) return null;
  const [, whole = "", fraction = ""] = match;
  if (fraction.length > digits) return null;
  const minor = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
}
