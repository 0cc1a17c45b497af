/** What the trials beside tunvs's peers compute, and what they tell the peers. */
import { strict as assert } from 'node:assert';
import { cpuNs } from '../../bench/subjects/peers/cpu.js';
import { dnatRules } from '../../bench/subjects/peers/kernel.js';
import { peers } from '../../bench/subjects/peers/list.js';
import { parseLoad } from '../../bench/subjects/peers/load.js';
import type { Peer } from '../../bench/subjects/peers/peer.js';
import { missingPrograms } from '../../bench/subjects/peers/programs.js';
import { haproxyConfig, nginxStreamConfig } from '../../bench/subjects/peers/proxies.js';
import { answers, workloads } from '../../bench/subjects/peers/workloads.js';
import { webServerConfig } from '../../bench/subjects/peers/web-server.js';
import { checkWay, figures, type Measured } from '../../bench/subjects/peers.js';
import { trials } from '../../bench/trials.js';

const ADDRESS = '10.9.9.9';

function measured({ requests = 100, ...more }: Partial<Measured> & { requests?: number } = {}): Measured {
  return {
    load: { requests, receivedBytes: 100 * answers['/large'], seconds: 2, p50Us: 500, p99Us: 900 },
    programCpuNs: 1_000_000,
    receiverCpuNs: 500_000,
    decapsulatorCpuNs: 0,
    serverReceiverCpuNs: 0,
    directorPackets: 1000,
    directorSentBytes: 0,
    directorReceivedBytes: 0,
    ...more,
  };
}

describe('trials beside peers', () => {
  it('take the CPU of programs and of the threads that receive, per request, and compare with the first', () => {
    const tunvs = measured({ decapsulatorCpuNs: 300_000 });
    const haproxy = measured({ requests: 50, programCpuNs: 10_000_000, receiverCpuNs: 1_250_000 });
    const all = figures(
      [
        ['tunvs', tunvs],
        ['haproxy', haproxy],
      ],
      workloads.responses,
    );
    assert.equal(all.tunvsCpuUsPerResponse, 15);
    assert.equal(all.tunvsProgramCpuUsPerResponse, 10);
    assert.equal(all.tunvsRealServerCpuUsPerResponse, 3);
    assert.equal(all.tunvsCpuNsPerPacket, 1500);
    assert.equal(all.tunvsPacketsPerResponse, 10);
    assert.equal(all.tunvsPerSecond, 50);
    assert.equal(all.haproxyCpuUsPerResponse, 225);
    assert.equal(all.haproxyTimesCpuOfTunvs, 15);
    assert.equal('tunvsTimesCpuOfTunvs' in all, false);
    assert.equal('haproxyRealServerCpuUsPerResponse' in all, false);
    assert.equal('haproxyCpuNsPerKilobyte' in all, false);
  });

  it('count uploads by the bytes that came to the director, as an early answer ends a request for its client', () => {
    const { bodyBytes } = workloads.upload;
    const all = figures(
      [
        ['tunvs', measured({ requests: 100, directorReceivedBytes: 2 * bodyBytes })],
        ['nullLoop', measured({ requests: 1, directorReceivedBytes: bodyBytes, programCpuNs: 1_500_000 })],
      ],
      workloads.upload,
    );
    assert.equal(all.tunvsCpuNsPerKilobyte, 750_000 / (bodyBytes / 1000));
    assert.equal(all.tunvsProgramCpuNsPerKilobyte, 500_000 / (bodyBytes / 1000));
    assert.equal(all.tunvsPerSecond, 1);
    assert.equal(all.nullLoopTimesProgramCpuOfTunvs, 3);
    assert.equal(all.nullLoopTimesCpuOfTunvs, 2_000_000 / 750_000);
  });

  it('refuse a run whose answers went another way than the peer says', () => {
    const by = (share: number) => measured({ directorSentBytes: share * 100 * answers['/large'] });
    const check = (name: 'tunvs' | 'haproxy', share: number) => () =>
      checkWay(name, peers[name], by(share), workloads.responses);
    assert.doesNotThrow(check('tunvs', 0.001));
    assert.throws(check('tunvs', 0.5), /tunvs: 50 % of the answers' bytes left by the director/);
    assert.doesNotThrow(check('haproxy', 1.05));
    assert.throws(check('haproxy', 0.5), /haproxy: 50 %/);
  });

  it("read wrk's report, and refuse one with failures, without answers, or none", () => {
    assert.deepEqual(parseLoad('Running\nload 10 2000 3000000 120 450 0 0 0 0\n'), {
      requests: 10,
      receivedBytes: 2000,
      seconds: 3,
      p50Us: 120,
      p99Us: 450,
    });
    assert.throws(() => parseLoad('load 10 2000 3000000 120 450 0 1 0 2\n'), /3 requests failed/);
    assert.throws(() => parseLoad('load 0 0 3000000 0 0 0 0 0 0\n'), /no request was answered/);
    assert.throws(() => parseLoad('unable to connect\n'), /did not report:\nunable to connect/);
  });

  it('name the package that gives a program', () => {
    assert.equal(missingPrograms({ sh: 'dash' }), undefined);
    assert.equal(
      missingPrograms({ 'no-such-proxy': 'one and another', sh: 'dash' }),
      'there is no program no-such-proxy; install it with "apt-get install one another"',
    );
  });

  it('count the CPU of a process', () => {
    const before = cpuNs([process.pid]);
    const until = process.cpuUsage().user + 20_000;
    while (process.cpuUsage().user < until);
    assert.ok(cpuNs([process.pid]) - before >= 10_000_000);
    // The greatest number of a process is 2^22.
    assert.equal(cpuNs([2 ** 22 + 1]), 0);
  });

  it('configure the peers as their names say', () => {
    const spliced = haproxyConfig(ADDRESS, { threads: 2, isSpliced: true });
    assert.match(spliced, /nbthread 2\n/);
    assert.match(spliced, /option splice-request\n {2}option splice-response\nfrontend/);
    assert.match(spliced, /bind 10\.9\.9\.9:80\n/);
    assert.doesNotMatch(haproxyConfig(ADDRESS, { threads: 1, isSpliced: false }), /splice/);
    assert.match(
      nginxStreamConfig(ADDRESS, { workers: 2 }),
      /worker_processes 2;[\s\S]*listen 10\.9\.9\.9:80 reuseport/,
    );
    assert.match(dnatRules(ADDRESS, { hasFlowTable: true }), /flow add @fast/);
    const plain = dnatRules(ADDRESS, { hasFlowTable: false });
    assert.match(plain, /ip daddr 10\.9\.9\.9 tcp dport 80 dnat to numgen inc mod 2 map \{ 0 : 10\.2\.0\.11, 1 : /);
    assert.doesNotMatch(plain, /flow/);
    for (const path of Object.keys(answers)) assert.ok(webServerConfig(80).includes(`location = ${path} {`));
  });

  it('set the common workloads beside every peer on frames, and beside programs alone on segments', () => {
    for (const workload of ['responses', 'connections', 'requests', 'upload']) {
      const of = (wire: string) =>
        trials.flatMap((trial) =>
          trial.subject === 'peers' && trial.name.startsWith(`peers ${workload}`) && trial.options.wire === wire
            ? [trial.options.peers]
            : [],
        );
      const plain = Object.entries(peers).filter(([, peer]: [string, Peer]) => !peer.isVariant);
      assert.deepEqual(of('frames'), [plain.map(([name]) => name)]);
      assert.deepEqual(of('segments')[0]?.[0], 'tunvs');
      assert.equal(of('segments')[0]?.includes('dnat'), false);
    }
  });

  it('set LVS/NAT beside those whose answers go by the director as well, and the director without it', () => {
    const named = trials.filter(({ name }) => name.startsWith('peers nat '));
    const workload = (name: string) => name.slice('peers nat '.length);
    for (const trial of named) {
      assert.ok(trial.subject === 'peers' && trial.options.workload === workload(trial.name));
      assert.deepEqual(trial.options.peers, ['tunvsNat', 'dnat', 'haproxy', 'haproxySplice', 'forwarding', 'tunvs']);
    }
    assert.deepEqual(
      named.map(({ name }) => workload(name)),
      ['responses100k', 'responses1k', 'requests', 'connections'],
    );
    assert.equal(peers.tunvsNat.isPastDirector, false);
  });

  it('set the fast path in both places beside proxies, the kernel and the director without it', () => {
    const named = trials.filter(({ name }) => name.startsWith('peers fast path'));
    const others = ['tunvs', 'haproxy', 'haproxySplice', 'nginxStream', 'dnat', 'forwardingPast'];
    const pairs = [...named].map((trial) => trial.subject === 'peers' && trial.options.peers);
    assert.deepEqual(
      pairs,
      ['tunvsFastPath', 'tunvsFastPath', 'tunvsFastPathIngress', 'tunvsFastPathIngress'].map((first) => [
        first,
        ...others,
      ]),
    );
  });

  it('compare bulk uploads with offloads to the same without, and to the null loop', () => {
    const bulk = trials.flatMap((trial) =>
      trial.subject === 'peers' && trial.onDemand === 'bulk' ? [trial.options.peers] : [],
    );
    assert.deepEqual(bulk, [
      ['tunvsOffloads', 'tunvsNoOffloads', 'nullLoop'],
      ['tunvsGue', 'tunvsNoOffloads', 'nullLoop'],
      ['tunvsFastPath', 'tunvsOffloads', 'tunvsNoOffloads', 'nullLoop', 'forwardingPast'],
      ['tunvsFastPathGue', 'tunvsNoOffloads', 'nullLoop', 'forwardingPast'],
    ]);
  });
});
