/**
 * node scripts/lib/summary.js RESULTS STATUS... names what failed, and sums a results file into the line `N passed, N
 * failed`. A status other than 0 that no recorded failure explains counts as a failure, and so does a run in which
 * nothing passed.
 */
import { sumResults } from './results.js';

const [path, ...statuses] = process.argv.slice(2);
const { passed, failed: recorded, skipped, failures, late } = sumResults(path);
const isUnexplained = recorded === 0 && (passed === 0 || statuses.some((status) => status !== '0'));
const failed = recorded + (isUnexplained ? 1 : 0);

for (const title of late) console.log(`passed when it was run again: ${title}`);
for (const failure of failures) console.log(`failed: ${failure}`);
if (isUnexplained) console.log(`failed: a part ended with status ${statuses.join(', ')} without saying what failed`);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
