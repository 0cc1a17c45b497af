/** Refuses, before the director that runs is stopped, what the host would refuse of the one that takes its place. */
import type { DirectorOpenOptions } from '../../director/open-options.js';
import { routedPrefixes } from '../../values/marks.js';
import { thisHost } from '../../host/host.js';
import type { Planned } from './configuration.js';

/** A device that a director has made goes with it; one that stays is somebody else's, and so is its host. */
function stays(device: string): boolean {
  const said = thisHost.query(['ip', '-d', '-j', 'link', 'show', 'dev', device]);
  return said !== undefined && /"persist":true/.test(said);
}

export async function checkHost(
  options: DirectorOpenOptions,
  { services, marks }: Pick<Planned, 'services' | 'marks'>,
): Promise<void> {
  const [{ DirectorHost }, { checkedOpenOptions }] = await Promise.all([
    import('../../host/director-host.js'),
    import('../../director/director-options.js'),
  ]);
  const { start, native, host, setUpHost } = checkedOpenOptions(options);
  const { name } = start.device;
  if (setUpHost === false || (setUpHost === undefined && stays(name)) || name.includes('%d')) return;
  const marked = start.markDevices.map(({ mark, name }) => ({ name, mark }));
  const routed = routedPrefixes(services, marks);
  new DirectorHost({ sources: native.sources, ...host }).check(name, routed, marked, native.natSources);
}
