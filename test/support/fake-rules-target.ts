/** A recording director that rules can be put into force at. */
import { applyRules, type RulesTarget } from '../../lib/rules/apply.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { type FakeConfiguration, fakeConfiguration } from './fake-configuration.js';

const support = { schedulers: ['rr', 'wrr', 'lc', 'wlc'], sysctlNames: ['sloppy_tcp', 'conn_reuse_mode'] };

/** A recording director, with timeouts and sysctls. */
export function fakeRulesTarget(): { target: RulesTarget; fake: FakeConfiguration; apply(text: string): void } {
  const fake = fakeConfiguration();
  let timeouts = { tcp: 900, tcpFin: 120, udp: 300 };
  const sysctls: Record<string, number> = { sloppy_tcp: 0, conn_reuse_mode: 1 };
  const target: RulesTarget = {
    transaction: (body) => fake.configuration.transaction(body),
    get timeouts() {
      return timeouts;
    },
    setTimeouts: ({ tcp, tcpFin, udp }) => {
      timeouts = { tcp: tcp || timeouts.tcp, tcpFin: tcpFin || timeouts.tcpFin, udp: udp || timeouts.udp };
    },
    sysctls,
    setSysctl: (name, value) => {
      sysctls[name] = value;
    },
  };
  const apply = (text: string) => applyRules(target, parseRules(text, { file: 'web.rules', support, isTimed: true }));
  return { target, fake, apply };
}
