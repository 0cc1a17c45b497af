/**
 * Measures what clients of the control server cost the forwarding: the director of the device trials, alone and beside
 * clients, in one run. The worker and the thread that answers share one CPU, which the worker fills: each microsecond
 * that clients cost the event loop is missing. The clients share the generator's CPU, at the lowest priority,
 * so that they do not take from what is measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../../lib/lab/lab.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import type { Figures, OpenSubject } from '../subject.js';
import {
  buildLab,
  flood,
  measured,
  PORT,
  pinned,
  program,
  read,
  SETTLE_MS,
  startForwarder,
  TARGETS,
} from './device.js';

/** What the clients do; `bench/programs/knocker.ts` says how. */
export const knocks = [
  ...(['idle', 'slow', 'half', 'hasty', 'malformed', 'oversized', 'cheap', 'dear', 'stream'] as const),
];

export interface ControlTrial {
  knock: (typeof knocks)[number];
  /** Offered to the director; 0 is as many as the generator makes, which fill the worker's CPU. */
  packetsPerSecond: number;
}

export const openControl: OpenSubject<ControlTrial> = async ({ knock, packetsPerSecond }, { isQuick }) => {
  const lab = Lab.create();
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-bench-'));
  const control = join(folder, 'control.sock');
  const close = async () => {
    await lab.dispose();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { generator, director, destinationMac } = await buildLab(lab);
    const forwarder = await startForwarder(director, { kind: 'director', egress: 'packet', control });
    const measure = async () => {
      const before = await read(forwarder);
      const sent = await flood(generator, {
        ...{ interfaceName: 'eth0', destinationMac, virtualAddress: TARGETS.director, port: PORT, protocol: 'udp' },
        ...{
          flows: 4096,
          packetBytes: 64,
          durationMs: isQuick ? 1000 : 4000,
          maxPackets: 2 ** 30,
          packetsPerSecond,
        },
      });
      const ended = await read(forwarder);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const after = await read(forwarder);
      const otherShare = (ended.otherNs - before.otherNs) / sent.ns;
      return { ...measured(before, after, sent), otherShare, seconds: sent.ns / 1e9 };
    };
    const measureBeside = async () => {
      const argv = ['nice', '-n', '19', process.execPath, program('knocker'), control, knock];
      const knocker = director.spawn(pinned(0, argv));
      await knocker.line((line) => line === 'ready');
      const before = await answersOf(knocker);
      const result = await measure();
      const answers = (await answersOf(knocker)) - before;
      await knocker.stop();
      return { ...result, answersPerSecond: answers / (result.seconds + SETTLE_MS / 1000) };
    };
    return {
      async run(index): Promise<Figures> {
        // What drifts affects both alike.
        const isFirst = index % 2 === 0;
        const early = isFirst ? await measure() : undefined;
        const beside = await measureBeside();
        const alone = early ?? (await measure());
        return {
          ratioToAlone: beside.packetsPerSecond / alone.packetsPerSecond,
          offeredRatioToAlone: beside.offeredPerSecond / alone.offeredPerSecond,
          packetsPerSecond: beside.packetsPerSecond,
          packetsPerSecondAlone: alone.packetsPerSecond,
          workerCpuNsPerPacket: beside.userNsPerPacket + beside.systemNsPerPacket,
          workerCpuNsPerPacketAlone: alone.userNsPerPacket + alone.systemNsPerPacket,
          eventLoopShare: beside.otherShare,
          eventLoopShareAlone: alone.otherShare,
          answersPerSecond: beside.answersPerSecond,
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

async function answersOf(knocker: LabProcess): Promise<number> {
  const id = `count-${performance.now()} `;
  knocker.writeLine(id.trim());
  const line = await knocker.line((each) => each.startsWith(id));
  return Number(line.slice(id.length));
}
