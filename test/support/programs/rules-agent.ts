/** A process that embeds a director and is told rules, in ipvsadm's language. */
import { setTimeout } from 'node:timers/promises';
import { Director, type DirectorOpenOptions } from '../../../lib/index.js';
import { serveAgent } from '../../../lib/lab/agent.js';
import { native } from '../../../lib/native/addon.js';
import { applyRules } from '../../../lib/rules/apply.js';
import { parseRules, type RuleLine } from '../../../lib/rules/parse-rules.js';
import { reloadRules } from '../../../lib/rules/reload.js';

let director: Director | undefined;

function opened(): Director {
  if (director === undefined) throw new Error('open it first');
  return director;
}

function parsed(rules: readonly string[]): RuleLine[] {
  return parseRules(rules.join('\n'), { file: 'rules', support: native, isTimed: false });
}

serveAgent({
  async open({ marks = [], ...options }: DirectorOpenOptions & { marks?: Parameters<Director['setMarks']>[0] }) {
    director = await Director.open(options);
    director.setMarks(marks);
    return director.device;
  },
  /** `afterwards` comes a moment later. */
  async run({ rules, afterwards }: { rules: string[]; afterwards?: string }) {
    applyRules(opened(), parsed(rules));
    if (afterwards === undefined) return;
    await setTimeout(3);
    applyRules(opened(), parsed([afterwards]));
  },
  /** Brings the director to what the rules say, by as few changes as there are differences. */
  async reload({ rules }: { rules: string[] }) {
    return (await reloadRules(opened(), parsed(rules))).length;
  },
  /** Takes new connections from a server everywhere, ends those that it has, and gives it new ones again. */
  async drain({ server, deadlineMs }: { server: string; deadlineMs: number }) {
    const there = opened()
      .virtualServices.flatMap((service) => service.realServers)
      .filter(({ address }) => address === server);
    const ended = await Promise.all(there.map((each) => each.drain({ deadlineMs })));
    for (const each of there) each.undrain();
    return ended.reduce((sum, each) => sum + each.ended, 0);
  },
  stats() {
    return opened().stats();
  },
  async close() {
    await director?.close();
    director = undefined;
  },
});
