/** The weight that a server asks for in a header of its answer. */
import { printable } from '../../../values/printable.js';
import type { Finding } from '../check.js';

const MAX_WEIGHT = 65_535;

/** A number is the weight, a percentage a part of the configured one. Without the header nothing is said. */
export function weightAdvice(name: string, value: string | undefined): Pick<Finding, 'advice' | 'warning'> {
  if (value === undefined) return {};
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(value) ?? [];
  const number = Number(digits);
  if (percent === '%' && number <= 10_000) return { advice: { factor: number / 100 } };
  if (percent === '' && number <= MAX_WEIGHT) return { advice: { weight: number } };
  return { warning: `the header ${name} has no weight: "${printable(value.slice(0, 40))}"` };
}
