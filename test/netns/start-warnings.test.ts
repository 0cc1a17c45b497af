/** A director that runs tells its owner what does not work from the start; see also said.test.ts. */
import { strict as assert } from 'node:assert';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href;

describeLab('a director that lacks something when it starts', () => {
  let host: LabHost;

  beforeOnLoneHost((made) => {
    host = made;
  });

  /** Opens a director after `before`; returns its warnings and those on the channel. */
  async function warnings(...before: string[]): Promise<{ own: string[]; published: unknown[] }> {
    const script = `
      import { subscribe } from 'node:diagnostics_channel';
      import { Director } from ${JSON.stringify(LIBRARY)};
      const published = [];
      subscribe('tunvs:warning', ({ message, about }) => published.push([about, message]));
      const director = await Director.open({ source: '10.2.0.2', egress: 'tun', device: { queues: 1 } });
      console.log(JSON.stringify({ own: director.warnings, published }));
      await director.close();
    `;
    const { stdout } = await host.exec([...before, process.execPath, '--input-type=module', '-e', script]);
    return JSON.parse(stdout);
  }

  it('warns that path MTUs are not learned where ICMP errors cannot be read', async () => {
    const { own, published } = await warnings('setpriv', '--inh-caps=-net_raw', '--bounding-set=-net_raw');
    assert.equal(own.length, 1);
    assert.match(
      own[0] ?? '',
      /^ICMP errors to 10\.2\.0\.2 cannot be read, so path MTUs are not learned: .*CAP_NET_RAW/,
    );
    assert.deepEqual(published, [['host', own[0]]]);
  });

  it('warns of nothing where nothing is lacking', async () => {
    assert.deepEqual(await warnings(), { own: [], published: [] });
  });
});
