/** Counts of what passed and failed: printed, and appended to the file named by TUNVS_RESULTS for .ci/run to sum. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

let failedHere = 0;

/** One line of the result; a check is { passed: 1 } or { failed: 1 }. */
export function record({ name, passed = 0, failed = 0, skipped = 0 }) {
  failedHere += failed;
  const { TUNVS_RESULTS: path } = process.env;
  if (path) appendFileSync(path, `${JSON.stringify({ name, passed, failed, skipped })}\n`);
  console.log(`${name}: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
}

/** Sets the exit code from what was recorded in this process. */
export function finish() {
  if (failedHere > 0) process.exitCode = 1;
}

/**
 * What the native test program says of itself in its last line. A program that ended otherwise than by that line
 * (a crash, a sanitizer's report) counts as one failure at least.
 */
export function nativeCounts(output, status) {
  const last = /(?:(?<skipped>\d+) skipped\n)?(?<passed>\d+) passed, (?<failed>\d+) failed\n?$/.exec(output)?.groups;
  const counts = {
    passed: Number(last?.passed ?? 0),
    failed: Number(last?.failed ?? 0),
    skipped: Number(last?.skipped ?? 0),
  };
  if (counts.failed === 0 && (status !== 0 || counts.passed === 0)) counts.failed = 1;
  return counts;
}

/** Totals of the lines in a results file. */
export function sumResults(path) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines.map((text) => JSON.parse(text))) {
    for (const count of Object.keys(total)) total[count] += line[count];
  }
  return total;
}
