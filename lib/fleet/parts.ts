/** Turns the keys of a fleet into parts of a configuration, each named by its key. */
import type { Layout } from './layout.js';
import type { Snapshot } from './snapshot.js';

export interface FleetParts {
  settings?: { name: string; text: string };
  services: { service: { name: string; text?: string }; servers: { name: string; text: string }[] }[];
}

/** Returns the keys that nothing reads beside them. */
export function partsOf(layout: Layout, { entries }: Snapshot): { parts: FleetParts; unread: string[] } {
  const services = new Map<string, FleetParts['services'][number]>();
  const unread: string[] = [];
  const serviceOf = (name: string) => {
    const known = services.get(name) ?? { service: { name: `${layout.services}${name}` }, servers: [] };
    services.set(name, known);
    return known;
  };
  let settings: FleetParts['settings'];
  for (const [key, text] of entries) {
    const role = layout.role(key);
    if (role?.is === 'director') settings = { name: key, text };
    else if (role?.is === 'service') serviceOf(role.service).service.text = text;
    else if (role?.is === 'server') serviceOf(role.service).servers.push({ name: key, text });
    else unread.push(key);
  }
  const parts = { ...(settings && { settings }), services: [...services.values()] };
  return { parts, unread };
}
