/** A host of its own in a lab, on a link that leads nowhere, for suites that need no more. */
import { Lab, type LabHost } from './lab.js';

export interface LoneHostOptions {
  name?: string;
  /** Its link, up. */
  device?: string;
  /** With its prefix length, on the link. */
  address?: string;
  /** Further commands for `ip` there. */
  commands?: readonly string[];
}

/** Makes the host before the suite that this is called in, hands it to `use`, and disposes of it after the suite. */
export function beforeOnLoneHost(
  use: (host: LabHost) => Promise<void> | void,
  { name = 'director', device = 'lan', address = '10.2.0.2/24', commands = [] }: LoneHostOptions = {},
): void {
  let lab: Lab;

  before(async () => {
    lab = Lab.create();
    const host = await lab.addHost(name);
    host.ip([
      `link add name ${device} type veth peer name unplugged`,
      `link set dev ${device} up`,
      'link set dev unplugged up',
      `address add ${address} dev ${device}`,
      ...commands,
    ]);
    await use(host);
  });

  after(async () => {
    await lab?.dispose();
  });
}
