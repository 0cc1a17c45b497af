import { strict as assert } from 'node:assert';
import { applyTableCommand, type TableCommand } from '../../lib/rules/apply.js';
import { writtenForwarding } from '../../lib/rules/forwarding.js';
import { printCommand, printServerSettings } from '../../lib/rules/print.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { listedService } from '../../lib/rules/show.js';
import { serviceStats } from '../../lib/stats/stats.js';
import { fakeConfiguration, serverRow, serviceRow } from '../support/fake-configuration.js';

/** Every row: how `-S` prints it, and what the engine is told. */
const METHODS: [written: string, config: [string, number, string, string?]][] = [
  ['-g -w 1', ['dr', 0, 'none']],
  ['-i -w 1 --tun-type ipip', ['ipip', 0, 'none']],
  ['-i -w 1 --tun-type gre --tun-nocsum', ['gre', 0, 'none']],
  ['-i -w 1 --tun-type gre --tun-csum', ['gre', 0, 'checksum']],
  ['-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum', ['gue', 6080, 'none']],
  ['-i -w 1 --tun-type gue --tun-port 6080 --tun-csum', ['gue', 6080, 'checksum']],
  ['-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum', ['gue', 6080, 'remote']],
  ['-m -w 1', ['nat', 0, 'none']],
  ['-m -w 1 --full-nat', ['snat', 0, 'none']],
  ['-m -w 1 --full-nat --client-address toa', ['snat', 0, 'none', 'toa']],
  ['-m -w 1 --full-nat --client-address proxy', ['snat', 0, 'none', 'proxy']],
];

function command(line: string): TableCommand {
  return parseCommandLine(line) as TableCommand;
}

describe('a forwarding method in a rule', () => {
  for (const [written, [forwarding, tunnelPort, tunnelChecksum, clientAddress = 'none']] of METHODS) {
    it(`"${written}" is the engine's ${forwarding}, there and back`, () => {
      const { configuration } = fakeConfiguration();
      applyTableCommand(configuration, command('-A -t 192.0.2.1:80'));
      applyTableCommand(configuration, command(`-a -t 192.0.2.1:80 -r 10.0.0.11 ${written}`));
      const [server] = configuration.virtualServices[0]?.realServers ?? [];
      assert.deepEqual(
        [server?.forwarding, server?.tunnelPort, server?.tunnelChecksum, server?.clientAddress],
        [forwarding, tunnelPort, tunnelChecksum, clientAddress],
      );
      const row = serviceRow([serverRow({ forwarding, tunnelPort, tunnelChecksum, clientAddress })]);
      const [listed] = listedService(serviceStats(row)).servers;
      assert.ok(listed);
      assert.equal(printServerSettings(listed), written);
    });
  }

  it('names no checksum where there can be none', () => {
    for (const forwarding of ['ipip', 'dr'] as const) {
      assert.deepEqual(
        writtenForwarding({ forwarding, tunnelPort: 0, tunnelChecksum: 'none', clientAddress: 'none' }),
        { forwarding },
      );
    }
  });

  it('is put back to its defaults by an edit that leaves it out, as by ipvsadm', () => {
    const { configuration } = fakeConfiguration();
    for (const line of [
      '-A -t 192.0.2.1:80',
      '-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gue --tun-port 6080 --tun-csum -w 3',
      '-e -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gue --tun-port 6080',
    ]) {
      applyTableCommand(configuration, command(line));
    }
    const server = configuration.virtualServices[0]?.realServers[0];
    assert.deepEqual([server?.tunnelChecksum, server?.weight], ['none', 1]);
    applyTableCommand(configuration, command('-e -t 192.0.2.1:80 -r 10.0.0.11'));
    assert.deepEqual([server?.forwarding, server?.tunnelPort], ['dr', 0]);
    applyTableCommand(configuration, command('-e -t 192.0.2.1:80 -r 10.0.0.11 -m --full-nat --client-address toa'));
    assert.equal(server?.clientAddress, 'toa');
    applyTableCommand(configuration, command('-e -t 192.0.2.1:80 -r 10.0.0.11 -m --full-nat'));
    assert.equal(server?.clientAddress, 'none');
  });

  it("leaves ports alone: a real server of another port silently gets the service's", () => {
    for (const method of ['-g', '-i', '-i --tun-type gre', '-i --tun-type gue --tun-port 6080']) {
      assert.match(
        printCommand(command(`-a --sctp-service [2001:db8::1]:9 -r [2001:db8::11]:8080 ${method}`)),
        /-r \[2001:db8::11\]:9 /,
      );
    }
  });
});
