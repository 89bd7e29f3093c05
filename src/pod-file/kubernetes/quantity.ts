/** Suffixes of a quantity: the Kubernetes API's resource.Quantity. */
const factors: Readonly<Record<string, number>> = {
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};
/** Those below one: to divide by a whole number makes 100u exactly 0.0001. */
const divisors: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1e3 };

/** `500m`, `0.5`, `128Mi`, `1e3` or a number, as a number; undefined for anything else, and for less than nothing. */
export function parseQuantity(quantity: string | number): number | undefined {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i))?$/.exec(String(quantity));
  if (match === null) return undefined;
  const [, digits = '', exponent = '', suffix = ''] = match;
  const number = Number(`${digits}${exponent.toLowerCase()}`);
  const divisor = divisors[suffix];
  const value = divisor === undefined ? number * (factors[suffix] ?? NaN) : number / divisor;
  return Number.isFinite(value) ? value : undefined;
}
