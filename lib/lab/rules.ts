/** Rules for a lab's virtual address in ipvsadm's form. */

export interface LabRule {
  protocol?: 'tcp' | 'udp';
  port?: number;
  scheduler: string;
  /** Real servers in the order of adding. */
  servers: readonly { address: string; weight?: number }[];
}

export function labRules(virtualAddress: string, rules: readonly LabRule[]): string {
  const lines = rules.flatMap(({ protocol = 'tcp', port = 80, scheduler, servers }) => {
    const service = `-${protocol === 'tcp' ? 't' : 'u'} ${virtualAddress}:${port}`;
    return [
      `-A ${service} -s ${scheduler}`,
      ...servers.map(({ address, weight = 1 }) => `-a ${service} -r ${address}:${port} -i -w ${weight}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}
