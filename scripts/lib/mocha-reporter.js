/**
 * Mocha's `spec` reporter that also writes { passed, failed, skipped, running, failures } to the file of its `counts`
 * option, whenever a test or a hook begins and at the end: they are known of a run that is stopped as well.
 */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_TEST_BEGIN, EVENT_HOOK_BEGIN, EVENT_RUN_END } = Mocha.Runner.constants;

/** What is to be said of a failure once more, after much other output; its file, to run it again. */
const named = (runnable) => ({
  title: runnable.fullTitle(),
  file: runnable.file ?? runnable.parent?.file,
  message: String(runnable.err?.message ?? runnable.err).split('\n')[0],
});

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const write = (running) => {
      const { passes, failures, pending } = this.stats;
      const counts = {
        passed: passes,
        failed: failures,
        skipped: pending,
        running,
        failures: this.failures.map(named),
      };
      writeFileSync(options.reporterOptions.counts, JSON.stringify(counts));
    };
    runner.on(EVENT_TEST_BEGIN, (test) => write(test.fullTitle()));
    runner.on(EVENT_HOOK_BEGIN, (hook) => write(hook.fullTitle()));
    runner.once(EVENT_RUN_END, () => write());
  }
}
