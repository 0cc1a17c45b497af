import { strict as assert } from 'node:assert';
import { fakeConfiguration } from '../support/fake-configuration.js';
import { readGoldenOutput } from '../support/golden.js';
import { applyTableCommand, type TableCommand } from '../../lib/rules/apply.js';
import { RulesError } from '../../lib/rules/errors.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { checkSupported } from '../../lib/rules/supported.js';

/** The configuration of the recorded director when the commands below were tried. */
const THERE = [
  '-A -t 192.168.50.100:80 -s wlc',
  '-a -t 192.168.50.100:80 -r 10.0.0.11:80 -i',
  '-a -t 192.168.50.100:80 -r 10.0.0.12:80 -i',
];

function tryCommand(line: string): void {
  const { configuration } = fakeConfiguration();
  for (const rule of [...THERE, line]) {
    const command = parseCommandLine(rule);
    assert.ok(command);
    checkSupported(command, { schedulers: ['rr', 'wrr', 'lc', 'wlc', 'sh', 'mh'] });
    applyTableCommand(configuration, command as TableCommand);
  }
}

const REFUSED = [
  'do-02-ipvsadm__A__t_192_168_50_100_82__s_nosuch.txt',
  'do-12-ipvsadm__a__t_192_168_50_100_80__r_10_0_0_11_8080__i.txt',
  'do-21-ipvsadm__a__t_192_168_50_100_80__r_10_0_0_96__i__x_5__y_6.txt',
  'do-23-ipvsadm__A__t_192_168_50_100_84__s_rr__p_0.txt',
  'do-24-ipvsadm__A__t_192_168_50_100_85__s_rr__o.txt',
  'do-26-ipvsadm__A__f_0__s_rr.txt',
  'do-31-ipvsadm__A__t_192_168_50_100_90__s_rr__b_nosuch.txt',
  'do-37-ipvsadm__X.txt',
  'do-38-ipvsadm__A.txt',
  'do-39-ipvsadm__A__t.txt',
  'do-41-ipvsadm__A__t_300_1_1_1_80__s_rr.txt',
  'do-43-ipvsadm__a__t_192_168_50_100_80.txt',
  'do-44-ipvsadm__A__C.txt',
  'do-47-ipvsadm___set_1_2.txt',
  'do-52-ipvsadm___set__1_0_0.txt',
  'do-53-ipvsadm__a__t_192_168_50_100_80__r_10_0_0_95__i___tun_type_n.txt',
  'do-59-ipvsadm__a__t_192_168_50_100_80__r_224_0_0_1__i.txt',
  'do-64-echo__garbage____ipvsadm__R.txt',
  'show-23-ipvsadm__Ln__6.txt',
];

const DONE = [
  'do-05-ipvsadm__A__u_192_168_50_100_54.txt',
  'do-17-ipvsadm__e__t_192_168_50_100_80__r_10_0_0_11__w_3__i.txt',
  'do-19-ipvsadm__a__t_192_168_50_100_80__r_10_0_0_98__w_65536__i.txt',
  'do-22-ipvsadm__A__t_192_168_50_100_83__s_rr__p.txt',
  'do-28-ipvsadm__A__t_192_168_50_100_87__s_sh__b_sh_port_sh_fallback.txt',
  'do-29-ipvsadm__A__t_192_168_50_100_88__s_mh__b_mh_port.txt',
  'do-35-ipvsadm__Z__t_192_168_50_100_80.txt',
  'do-36-ipvsadm__Z.txt',
  'do-57-ipvsadm__a__t_192_168_50_100_80__r_192_168_50_100__i.txt',
  'do-60-ipvsadm__a__t_192_168_50_100_80__r_192_0_2_200__i.txt',
  'do-65-ipvsadm__C.txt',
];

/** Settings of the director, not of its tables. */
const UNDERSTOOD = ['do-48-ipvsadm___set_1_2_3.txt', 'do-50-ipvsadm___set_0_0_0.txt'];

describe("ipvsadm's own answers", () => {
  for (const file of REFUSED) {
    const { command, text, exitStatus } = readGoldenOutput(file);
    it(`are given when "${command}" is refused`, () => {
      const rule = command.replace('echo "garbage" | ipvsadm -R', 'garbage');
      assert.throws(
        () => tryCommand(rule),
        (error: unknown) => {
          assert.ok(error instanceof RulesError, String(error));
          assert.deepEqual(error.ipvsadm, { text: text.slice(0, -1), exitStatus });
          return true;
        },
      );
    });
  }

  for (const file of DONE) {
    const { command, text, exitStatus } = readGoldenOutput(file);
    it(`are silence when "${command}" is done`, () => {
      assert.deepEqual([text, exitStatus], ['', 0]);
      tryCommand(command);
    });
  }

  for (const file of UNDERSTOOD) {
    const { command, exitStatus } = readGoldenOutput(file);
    it(`are not needed to understand "${command}"`, () => {
      assert.equal(exitStatus, 0);
      assert.ok(parseCommandLine(command));
    });
  }
});
