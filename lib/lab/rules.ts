/** Writes rules for a lab's virtual address in ipvsadm's form. */
import { formatEndpoint } from '../values/inet.js';

export interface LabRule {
  protocol?: 'tcp' | 'udp';
  port?: number;
  scheduler: string;
  /** Real servers in the order of adding. `forwarding` is in ipvsadm's words, `-i` by default. */
  servers: readonly { address: string; weight?: number; forwarding?: string }[];
}

export function labRules(virtualAddress: string, rules: readonly LabRule[]): string {
  const lines = rules.flatMap(({ protocol = 'tcp', port = 80, scheduler, servers }) => {
    const service = `-${protocol === 'tcp' ? 't' : 'u'} ${formatEndpoint({ address: virtualAddress, port })}`;
    return [
      `-A ${service} -s ${scheduler}`,
      ...servers.map(
        ({ address, weight = 1, forwarding = '-i' }) =>
          `-a ${service} -r ${formatEndpoint({ address, port })} ${forwarding} -w ${weight}`,
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}
