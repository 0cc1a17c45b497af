/** Refuses, before the director that runs is stopped, what the host would refuse of the one that takes its place. */
import type { DirectorOpenOptions } from '../../director/open-options.js';
import { routedPrefixes } from '../../values/marks.js';
import type { Planned } from './configuration.js';

export async function checkHost(
  options: DirectorOpenOptions,
  { services, marks }: Pick<Planned, 'services' | 'marks'>,
): Promise<void> {
  const [{ DirectorHost }, { checkedOpenOptions }] = await Promise.all([
    import('../../host/director-host.js'),
    import('../../director/director-options.js'),
  ]);
  const { start, native, host: link, setUpHost } = checkedOpenOptions(options);
  const { neighbourNews: _, ...host } = link;
  if (setUpHost === false) return;
  const marked = start.markDevices.map(({ mark, name }) => ({ name, mark }));
  const routed = routedPrefixes(services, marks);
  new DirectorHost({ sources: native.sources, ...host }).check(start.device.name, routed, marked, native.natSources);
}
