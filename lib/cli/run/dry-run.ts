/** `tunvs run --dry-run` prints what would be done, as commands that a shell and ipvsadm would take. */
import type { DirectorStats } from '../../stats/stats.js';
import { type MarkRule, routedPrefixes } from '../../values/marks.js';
import { isMarkCommand, printMark } from '../../rules/mark.js';
import { printCommand } from '../../rules/print.js';
import type { Rule, RuleLine } from '../../rules/parse-rules.js';
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';
import type { RunOptions } from './options.js';

const DEFAULT_DEVICE = 'tunvs0';

export async function dryRun(
  options: RunOptions,
  { services, marks }: Pick<DirectorStats, 'services'> & { marks: readonly MarkRule[] },
  lines: readonly RuleLine[],
  io: CliIo,
): Promise<void> {
  const [{ DirectorHost }, { DEFAULT_MARK_DEVICE, DEFAULT_PATH_MTU, defaultDeviceMtu }, { formatHostCommand }] =
    await Promise.all([
      import('../../host/director-host.js'),
      import('../../director/director-options.js'),
      import('../../host/step.js'),
    ]);
  const device = options.device ?? DEFAULT_DEVICE;
  const mtuBytes = defaultDeviceMtu(options.pathMtu ?? DEFAULT_PATH_MTU);
  const markDevices = (options.markDevice ?? []).map(({ mark, name = DEFAULT_MARK_DEVICE }, index) => ({
    name: name.replace('%d', `${index}`),
    mark,
  }));
  const local = services.filter(({ servers }) => servers.some(({ forwarding }) => forwarding === 'local'));
  const steps = new DirectorHost({ sources: options.source, mtuBytes }).plan(
    device,
    routedPrefixes(services, marks),
    routedPrefixes(local, marks),
    markDevices,
  );
  const host = steps.map(({ description, command, undo }) => ({
    description,
    command: formatHostCommand(command),
    ...(undo && { undo: formatHostCommand(undo) }),
  }));
  const rules = lines.map(({ rule }) => printRule(rule));
  if (options.json) {
    io.stdout.write(`${toJson({ event: 'dryRun', device, markDevices, host, rules })}\n`);
    return;
  }
  const names = [device, ...markDevices.map(({ name }) => name)];
  const shown = [
    `# the host, once the ${names.length > 1 ? `devices ${names.join(', ')} are` : `device ${device} is`} there (a device that is there before is left as it is)`,
    ...host.map(({ description, command }) => `${command}  # ${description}`),
    '# the director',
    ...rules,
  ];
  io.stdout.write(`${shown.join('\n')}\n`);
}

function printRule(rule: Rule): string {
  if (isMarkCommand(rule)) return printMark(rule);
  return rule.command === 'sysctl' ? `sysctl net.ipv4.vs.${rule.name}=${rule.value}` : printCommand(rule);
}
