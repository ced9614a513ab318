/**
 * Medians and quartiles of few numbers.
 *
 * @module
 */

/** The value below which a `share` of the numbers lies, between neighbours by the straight line. */
export function quantile(numbers, share) {
  if (numbers.length === 0) return NaN;
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** `{ median, low, high }`: the median and the first and third quartile. */
export function summary(numbers) {
  return {
    median: quantile(numbers, 0.5),
    low: quantile(numbers, 0.25),
    high: quantile(numbers, 0.75),
  };
}

/** A number with three digits that count, thousands set apart. */
export function figure(number) {
  if (!Number.isFinite(number)) return '–';
  if (number === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number))));
  return number.toLocaleString('en', {
    minimumFractionDigits: Math.min(digits, 4),
    maximumFractionDigits: Math.min(digits, 4),
  });
}

/** `median (first quartile to third quartile)`. */
export function spread(numbers) {
  const { median, low, high } = summary(numbers);
  return `${figure(median)} (${figure(low)}–${figure(high)})`;
}
