/**
 * Counts what passed and failed: prints the counts and appends them to the file named by TUNVS_RESULTS, which .ci/run
 * sums.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

let failedHere = 0;

/** Records one line of the result; a check is { passed: 1 } or { failed: 1 }. */
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
 * Returns what the native test program says of itself in its last line. A program that ended without that line (by a
 * crash or a sanitizer's report) counts as at least one failure.
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

/** Sums the lines of a results file. */
export function sumResults(path) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines.map((text) => JSON.parse(text))) {
    for (const count of Object.keys(total)) total[count] += line[count];
  }
  return total;
}
