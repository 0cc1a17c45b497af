/**
 * Counts what passed and failed: prints the counts and appends them to the file named by TUNVS_RESULTS, which .ci/run
 * sums.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

let failedHere = 0;

/**
 * Records one line of the result; a check is { passed: 1 } or { failed: 1 }. `failures` are those that are known by
 * name; `late` are the names of tests that passed only when they were run again.
 */
export function record({ name, passed = 0, failed = 0, skipped = 0, failures = [], late = [] }) {
  failedHere += failed;
  const { TUNVS_RESULTS: path } = process.env;
  const names = { ...(failures.length > 0 && { failures }), ...(late.length > 0 && { late }) };
  if (path) appendFileSync(path, `${JSON.stringify({ name, passed, failed, skipped, ...names })}\n`);
  for (const title of late) console.log(`passed when it was run again, with nothing beside it: ${title}`);
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
  if (counts.failed === 0 && (status !== 0 || counts.passed + counts.skipped === 0)) counts.failed = 1;
  return counts;
}

/** What else stands at the beginning of a line: counts, a sanitizer's words, and what collect() says of the end. */
const noTest = /^(\d+ (passed|skipped)|WARNING: |\w+Sanitizer: |ended by |stopped)/;

/**
 * Returns what failed in a native test program, by name: each test with its first failed check, and a sanitizer's
 * report with its summary. Where `failed` is more than that, the program crashed in the test that it named last.
 */
export function nativeFailures(output, failed) {
  const failures = [];
  let title = '';
  for (const line of output.split('\n')) {
    const message = /^ {4}\S+: FAILED: (?<message>.*)/.exec(line)?.groups.message;
    const summary = /^SUMMARY: (?<summary>.*)/.exec(line)?.groups.summary;
    if (summary) failures.push({ title, message: summary, isOfTest: false });
    else if (message && failures.at(-1)?.title !== title) failures.push({ title, message, isOfTest: true });
    else if (/^\w/.test(line) && !noTest.test(line)) title = line;
  }
  if (failures.length < failed) failures.push({ title, message: 'the program ended here', isOfTest: false });
  return failures;
}

/** Sums the lines of a results file; `failures` and `late` name what is worth a line at the end of everything. */
export function sumResults(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines) {
    for (const count of Object.keys(total)) total[count] += line[count];
  }
  const failures = lines
    .filter(({ failed }) => failed > 0)
    .flatMap(({ name, failures: known = [] }) =>
      known.length === 0 ? [name] : known.map(({ title, message }) => `${name}: ${title}: ${message}`),
    );
  return { ...total, failures, late: lines.flatMap(({ late = [] }) => late) };
}
