/** A director that runs from a file of rules; everything else is said on the command line. */
import type { Director } from '../../director/director.js';
import type { RuleLine } from '../../rules/parse-rules.js';
import { printRule } from '../../rules/print.js';
import { rehearseRules } from '../../rules/rehearse.js';
import { planRules, reloadRules } from '../../rules/reload.js';
import { readRules } from '../rules-file.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { openOptions } from './open-options.js';
import type { RunOptions } from './options.js';

export async function rulesConfiguration(options: RunOptions, file: string, io: CliIo): Promise<Configuration> {
  const { source } = options;
  if (source === undefined) {
    throw new UsageError("--rules: rules do not name the director's address (DIP): give it with --source");
  }
  let lines = await readRules({ file, isTimed: false, verb: 'run' }, io);
  let director: Director;
  const open = openOptions(options, source);
  return {
    title: 'rules',
    open,
    daemon: {},
    async plan() {
      await using rehearsed = await rehearseRules(lines, { sources: source, fullNat: open.fullNat });
      const { services } = rehearsed.stats();
      return { services, marks: rehearsed.marks, lines: lines.map(({ rule }) => printRule(rule)) };
    },
    begin(running) {
      director = running.director;
      running.session.apply(lines);
    },
    async reload({ dryRun = false, reset = false }) {
      const next = await readAgain(file, io);
      const since = reset ? {} : { since: lines };
      if (dryRun) return planRules(director, next, since);
      const changes = await reloadRules(director, next, since);
      lines = next;
      return changes;
    },
    files: () => (file === '-' ? [] : [file]),
    end() {},
  };
}

function readAgain(file: string, io: CliIo): Promise<RuleLine[]> {
  if (file === '-') {
    throw new UsageError('the rules came from standard input, which cannot be read again: start with a file');
  }
  return readRules({ file, isTimed: false, verb: 'run', isAgain: true }, io);
}
