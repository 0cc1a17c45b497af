/** Keeps the state that pictures are drawn from, as samples and outcomes come in. */
import type { ServerSample } from '../lab/commands.js';
import { isIsolatedUser } from '../lab/isolation.js';
import { scenes } from './scenes.js';
import type { Stage } from './stage.js';
import type { DemoState, PlayedScene, ServerState } from './state.js';

const MAX_HISTORY = 500;

export class Model {
  readonly #stage: Stage;
  readonly played: PlayedScene[] = [];
  readonly hasKeys: boolean;
  selected = 0;
  message = '';
  answered = 0;
  failed = 0;
  /** Index of the scene; the number of scenes when all have been played. */
  scene = 0;
  readonly #history: number[] = [];

  constructor(stage: Stage, hasKeys: boolean) {
    this.#stage = stage;
    this.hasKeys = hasKeys;
  }

  sampled(): void {
    this.#history.push(this.#samples().reduce((sum, { rates }) => sum + (rates.connections ?? 0), 0));
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
  }

  state(): DemoState {
    const { topology, director } = this.#stage;
    const scene = scenes[this.scene];
    return {
      clientAddress: topology.clientAddress,
      virtualAddress: topology.virtualAddress,
      directorAddress: topology.directorAddress,
      scheduler: director.sample.services[0]?.scheduler ?? '',
      servers: this.#servers(),
      selected: this.selected,
      scene: scene && { number: this.scene + 1, count: scenes.length, title: scene.title, watch: scene.watch },
      played: this.played,
      answered: this.answered,
      failed: this.failed,
      history: this.#history,
      hint: joinHint(this.#stage),
      message: this.message,
      hasKeys: this.hasKeys,
    };
  }

  #samples(): ServerSample[] {
    return this.#stage.director.sample.services.flatMap(({ servers }) => servers);
  }

  #servers(): ServerState[] {
    const samples = new Map(this.#samples().map((sample) => [sample.address, sample]));
    return this.#stage.servers.map(({ name, address, weight, isRunning }) => {
      const sample = samples.get(address);
      return {
        name,
        address,
        weight,
        isRunning,
        activeConnections: sample?.activeConnections ?? 0,
        inactiveConnections: sample?.inactiveConnections ?? 0,
        connections: Number(sample?.totals.connections ?? 0),
        packets: Number(sample?.totals.inPackets ?? 0),
        connectionsPerSecond: sample?.rates.connections ?? 0,
        packetsPerSecond: sample?.rates.inPackets ?? 0,
      };
    });
  }
}

/** Says how to ask as the client does: whoever is not root on this host enters the user namespace of the lab first. */
export function joinHint({ clientPid, topology }: Stage): string {
  const enter = isIsolatedUser() ? 'nsenter --preserve-credentials -U' : 'nsenter';
  return `${enter} -n -t ${clientPid} curl -i http://${topology.virtualAddress}/`;
}
