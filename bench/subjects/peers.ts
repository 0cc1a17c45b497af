/**
 * Measures tunvs beside what a user might take instead: each peer carries the same requests in turn, and the director's
 * CPU counts. That is the time of its programs and, where links carry frames, of the kernel's threads that receive for
 * its devices, forward and translate; clients and servers share the machine but not the figures.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startRealServerCommand } from '../../lib/lab/commands.js';
import { Lab } from '../../lib/lab/lab.js';
import { makeFolder, removeFolder } from '../../lib/lab/leftovers.js';
import type { Figures, OpenSubject } from '../subject.js';
import { cpuNs } from './peers/cpu.js';
import { type LoadResult, load, writeLoadScript } from './peers/load.js';
import { type PeerName, peers } from './peers/list.js';
import { type Peer, PeerLacksError, type RunningPeer } from './peers/peer.js';
import { describePeer, missingPrograms } from './peers/programs.js';
import {
  answerPastDirector,
  buildStage,
  CLIENT_SIDE,
  DIRECTOR_SOURCE,
  type Stage,
  virtualAddress,
  WEB_PORT,
  type Wire,
} from './peers/stage.js';
import { startWebServer } from './peers/web-server.js';
import { answers, type Workload, type WorkloadName, workloads } from './peers/workloads.js';

export interface PeersTrial {
  workload: WorkloadName;
  wire: Wire;
  /** The first is what the others are compared with. */
  peers: readonly PeerName[];
}

interface Entrant {
  name: PeerName;
  peer: Peer;
  address: string;
  running: RunningPeer;
}

export interface Measured {
  load: LoadResult;
  /** Of its programs, and of the kernel's threads that receive for the director. */
  programCpuNs: number;
  receiverCpuNs: number;
  /** Of `tunvs realserver`, on the servers. */
  decapsulatorCpuNs: number;
  /** Of the kernel's threads that receive for the servers what the director sends. */
  serverReceiverCpuNs: number;
  /** In both directions of the director's device at the clients' side. */
  directorPackets: number;
  directorSentBytes: number;
  directorReceivedBytes: number;
}

const LAB_PROGRAMS = { wrk: 'wrk', nginx: 'nginx', ethtool: 'ethtool', ss: 'iproute2', tc: 'iproute2' };

export const openPeers: OpenSubject<PeersTrial> = async (trial, { isQuick }) => {
  const missing = missingPrograms(LAB_PROGRAMS);
  if (missing) throw new Error(missing);
  const lab = Lab.create();
  const folder = makeFolder();
  const close = async () => {
    await lab.dispose();
    removeFolder(folder);
  };
  try {
    const workload: Workload = workloads[trial.workload];
    const stage = await buildStage(lab, trial.wire);
    for (const name of ['www', ...trial.peers]) mkdirSync(join(folder, name));
    await startWebServer(stage.server, folder, WEB_PORT);
    const notes: string[] = [];
    const entrants: Entrant[] = [];
    for (const [index, name] of trial.peers.entries()) {
      try {
        entrants.push(await startPeer(stage, name, virtualAddress(index), join(folder, name)));
        notes.push(`${name}: ${describePeer(peers[name])}`);
      } catch (error) {
        if (!(error instanceof PeerLacksError)) throw error;
        notes.push(`${name} is skipped: ${error.message}`);
      }
    }
    const decapsulators = new Map<Peer['realServerMode'], number>();
    for (const mode of [undefined, 'bpf'] as const) {
      const pid = await startDecapsulator(stage, entrants, mode);
      if (pid !== undefined) decapsulators.set(mode, pid);
    }
    const script = writeLoadScript(folder, workload);
    const seconds = isQuick ? 1 : 3;
    return {
      notes,
      async run(index) {
        // Every other run goes backwards, so that drift affects all alike.
        const order = index % 2 === 0 ? entrants : entrants.toReversed();
        const results = new Map<Entrant, Measured>();
        for (const entrant of order)
          results.set(entrant, await measure(stage, entrant, decapsulators, { workload, script, seconds }));
        return figures(
          entrants.map((entrant) => [entrant.name, results.get(entrant) as Measured]),
          workload,
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

async function startPeer(stage: Stage, name: PeerName, address: string, folder: string): Promise<Entrant> {
  const peer: Peer = peers[name];
  const missing = missingPrograms(peer.programs);
  if (missing) throw new PeerLacksError(missing);
  if (peer.isPastDirector) answerPastDirector(stage, address);
  return { name, peer, address, running: await peer.start(stage, address, folder) };
}

/** Returns the process that takes the tunnel packets of those entrants apart that want it in this way, if there are any. */
async function startDecapsulator(stage: Stage, entrants: readonly Entrant[], mode: Peer['realServerMode']) {
  const served = entrants.filter(({ peer }) => peer.isTunnelled && peer.realServerMode === mode);
  if (served.length === 0) return undefined;
  const forwarding = served.some(({ peer }) => peer.isGue) ? 'ipip,gue' : 'ipip';
  const virtualAddress = served.map(({ address }) => address);
  const options = { virtualAddress, director: DIRECTOR_SOURCE, forwarding, mode, device: `rs-${mode ?? 'auto'}` };
  return (await startRealServerCommand(stage.server, options)).pid;
}

async function measure(
  stage: Stage,
  { name, peer, address, running }: Entrant,
  decapsulators: ReadonlyMap<Peer['realServerMode'], number>,
  options: { workload: Workload; script: string; seconds: number },
): Promise<Measured> {
  const decapsulator = peer.isTunnelled ? decapsulators.get(peer.realServerMode) : undefined;
  await running.enter?.();
  try {
    const before = await readings(stage, running, decapsulator);
    const result = await load(stage.client, { address, ...options });
    const after = await readings(stage, running, decapsulator);
    const measured: Measured = {
      load: result,
      programCpuNs: after.programCpuNs - before.programCpuNs,
      receiverCpuNs: after.receiverCpuNs - before.receiverCpuNs,
      decapsulatorCpuNs: after.decapsulatorCpuNs - before.decapsulatorCpuNs,
      serverReceiverCpuNs: after.serverReceiverCpuNs - before.serverReceiverCpuNs,
      directorPackets: after.packets - before.packets,
      directorSentBytes: after.sentBytes - before.sentBytes,
      directorReceivedBytes: after.receivedBytes - before.receivedBytes,
    };
    checkWay(name, peer, measured, options.workload);
    return measured;
  } finally {
    await running.leave?.();
  }
}

async function readings({ director, receivers, serverReceivers }: Stage, { pids }: RunningPeer, decapsulator?: number) {
  const counters = await director.deviceCounters(CLIENT_SIDE);
  if (!counters) throw new Error(`the director has no device ${CLIENT_SIDE}`);
  return {
    programCpuNs: cpuNs(pids),
    receiverCpuNs: cpuNs(receivers),
    serverReceiverCpuNs: cpuNs(serverReceivers),
    decapsulatorCpuNs: decapsulator === undefined ? 0 : cpuNs([decapsulator]),
    packets: Number(counters.receivedPackets + counters.sentPackets),
    sentBytes: Number(counters.sentBytes),
    receivedBytes: Number(counters.receivedBytes),
  };
}

/** Answers go as the peer says they do, or the comparison is not the one that is meant. */
export function checkWay(
  name: string,
  peer: Peer,
  { load: { receivedBytes }, directorSentBytes }: Measured,
  w: Workload,
) {
  if (answers[w.requestPath] < 10_000) return;
  const share = directorSentBytes / receivedBytes;
  if (peer.isPastDirector ? share > 0.01 : share < 0.9)
    throw new Error(`${name}: ${Math.round(share * 100)} % of the answers' bytes left by the director`);
}

export function figures(results: readonly (readonly [PeerName, Measured])[], workload: Workload): Figures {
  const all: Figures = {};
  const { unit, bodyBytes } = workload;
  const per = `Per${capital(unit)}`;
  const [first] = results;
  for (const [name, measured] of results) {
    const {
      load: result,
      programCpuNs,
      receiverCpuNs,
      decapsulatorCpuNs,
      serverReceiverCpuNs,
      directorPackets,
    } = measured;
    const us = (ns: number) => ns / 1000 / carried(measured, workload);
    all[`${name}CpuUs${per}`] = us(cpuOf(measured));
    const isOther = first !== undefined && name !== first[0];
    const timesFirst = (cpu: (one: Measured) => number) =>
      us(cpu(measured)) / (cpu(first?.[1] ?? measured) / 1000 / carried(first?.[1] ?? measured, workload));
    if (isOther) all[`${name}TimesCpuOf${capital(first[0])}`] = timesFirst(cpuOf);
    if (receiverCpuNs > 0) {
      all[`${name}ProgramCpuUs${per}`] = us(programCpuNs);
      if (isOther && programCpuNs > 0 && first[1].programCpuNs > 0)
        all[`${name}TimesProgramCpuOf${capital(first[0])}`] = timesFirst((one) => one.programCpuNs);
    }
    all[`${name}CpuNsPerPacket`] = cpuOf(measured) / directorPackets;
    all[`${name}Packets${per}`] = directorPackets / carried(measured, workload);
    if (bodyBytes > 0) {
      all[`${name}CpuNsPerKilobyte`] = (us(cpuOf(measured)) * 1e6) / bodyBytes;
      all[`${name}ProgramCpuNsPerKilobyte`] = (us(programCpuNs) * 1e6) / bodyBytes;
    }
    if (decapsulatorCpuNs > 0) all[`${name}RealServerCpuUs${per}`] = us(decapsulatorCpuNs);
    if (serverReceiverCpuNs > 0) all[`${name}ServerReceivingCpuUs${per}`] = us(decapsulatorCpuNs + serverReceiverCpuNs);
    all[`${name}PerSecond`] = carried(measured, workload) / result.seconds;
    all[`${name}P50Us`] = result.p50Us;
    all[`${name}P99Us`] = result.p99Us;
  }
  return all;
}

/**
 * Returns how many units the director carried. The server may answer before a whole body has come, and its client takes
 * that for the end, so uploads are counted by the bytes that came to the director.
 */
function carried({ load: { requests }, directorReceivedBytes }: Measured, { bodyBytes }: Workload): number {
  return bodyBytes > 0 ? directorReceivedBytes / bodyBytes : requests;
}

function cpuOf({ programCpuNs, receiverCpuNs }: Measured): number {
  return programCpuNs + receiverCpuNs;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
