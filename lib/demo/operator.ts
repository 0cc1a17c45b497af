/** Does what an operator does with keys: drains, stops and starts real servers while traffic goes on. */
import type { Stage, StageServer } from './stage.js';

/** Does it, and returns a sentence that says what was done. */
export async function toggleServer(stage: Stage, server: StageServer): Promise<string> {
  if (!server.isRunning) {
    await stage.restore(server);
    return `${server.name} is started and serves again.`;
  }
  if (isLastServing(stage, server)) return lastServing(server);
  // As a health check would do it: no more new connections first, so that none is lost.
  await stage.setWeight(server, 0);
  await stage.stopServer(server);
  return `${server.name} is at weight 0 and stopped; s starts it again.`;
}

export async function toggleDrain(stage: Stage, server: StageServer): Promise<string> {
  if (!server.isRunning) return `${server.name} is stopped; s starts it.`;
  if (server.weight === 0) {
    await stage.setWeight(server, server.fullWeight);
    return `${server.name} has its weight of ${server.fullWeight} again.`;
  }
  if (isLastServing(stage, server)) return lastServing(server);
  await stage.setWeight(server, 0);
  return `${server.name} is drained: open connections stay, new ones go elsewhere.`;
}

function isLastServing(stage: Stage, server: StageServer): boolean {
  return stage.servers.every((other) => other === server || other.weight === 0 || !other.isRunning);
}

function lastServing({ name }: StageServer): string {
  return `${name} stays, because it is the last server at work.`;
}
