/** Checks what the schema cannot: how the director's options and settings fit each other. */
import type { OfflineDirector } from '../../director/director.js';
import { rehearsalDirector } from '../../director/rehearsal.js';
import { checkedOpenOptions } from '../../director/director-options.js';
import { inertSysctlWarning } from '../../values/inert-sysctls.js';
import { checkedMarkRules } from '../../values/marks.js';
import { native } from '../../native/addon.js';
import { checkedTimeouts } from '../../values/timeouts.js';
import { openOptionsOf } from '../library-options.js';
import type { Spec } from '../spec.js';
import type { Finding } from './issues.js';
import { nearest } from './nearest.js';
import { allRefused, locate, refused } from './refusal.js';

/** Stands in for a source that is wrong, so that everything else is checked. */
const ANY_SOURCE = ['192.0.2.254', '2001:db8:ffff:ffff:ffff:ffff:ffff:fffe'];

export function openFindings(spec: Spec): Finding[] {
  const options = openOptionsOf(spec);
  return allRefused(options, (left) => checkedOpenOptions({ ...left, source: left.source ?? ANY_SOURCE })).map(
    ({ option, message, mend }) => ({ path: locate(option, options), message, mend }),
  );
}

/**
 * Returns an offline director that has these sources and this full NAT, or others where those are wrong, which is said
 * elsewhere and hides nothing of the services. Rules have no sources. Without full NAT `fullNat` is null; when it is
 * undefined, any will do.
 */
export function checkingDirector(source: Spec['source'] | undefined, fullNat: Spec['fullNat'] | null): OfflineDirector {
  // The file may be another host's.
  const open = (sources: string | readonly string[], given: typeof fullNat) => rehearsalDirector(sources, [], given);
  let director: OfflineDirector | undefined;
  const isAny = fullNat === null ? null : undefined;
  for (const given of [fullNat, isAny])
    if (director === undefined) refused(() => (director = open(source ?? ANY_SOURCE, given)));
  return director ?? open(ANY_SOURCE, isAny);
}

/** The marks become canonical, and sysctls lose what may stand in front of their names. */
export function settingsFindings(
  spec: Partial<Spec>,
  director: OfflineDirector,
): { findings: Finding[]; warnings: Finding[] } {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const { timeouts, marks, sysctls } = spec;
  if (timeouts) {
    for (const { option, message, mend } of allRefused(timeouts, checkedTimeouts))
      findings.push({ path: ['timeouts', ...locate(option, timeouts)], message, mend });
  }
  for (const [index, rule] of (marks ?? []).entries()) {
    const put = (checked: typeof rule) => {
      director.setMarks([checked]);
      const [canonical] = checkedMarkRules('marks', [checked]);
      if (checked === rule && marks && canonical) marks[index] = canonical;
    };
    const refusal = refused(() => put(rule));
    if (refusal)
      findings.push({
        path: ['marks', index, ...locate(refusal.option, rule)],
        message: refusal.message,
        mend: refusal.mend,
      });
  }
  if (sysctls) spec.sysctls = checkedSysctls(sysctls, director, findings, warnings);
  return { findings, warnings };
}

function checkedSysctls(
  sysctls: Record<string, number>,
  director: OfflineDirector,
  findings: Finding[],
  warnings: Finding[],
): Record<string, number> {
  const checked: Record<string, number> = {};
  for (const [name, value] of Object.entries(sysctls)) {
    const path = ['sysctls', name];
    const short = name.replace(/^net\.ipv4\.vs\./, '');
    const refusal = refused(() => director.setSysctl(short, value));
    if (Object.hasOwn(checked, short)) {
      findings.push({ path, isName: true, message: `${short} is given twice`, mend: 'keep one of them' });
    } else if (refusal?.option === 'name') {
      const near = nearest(short, native.sysctlNames);
      const message = refusal.message.includes('cannot stand') ? `there is no sysctl "${short}"` : refusal.message;
      findings.push({ path, isName: true, message, mend: near === undefined ? refusal.mend : `write ${near}` });
    } else if (refusal) findings.push({ path, message: refusal.message, mend: refusal.mend });
    else {
      checked[short] = value;
      const inert = inertSysctlWarning(short);
      if (inert !== undefined) warnings.push({ path, isName: true, message: inert, mend: 'leave it out' });
    }
  }
  return checked;
}
