/** Puts together what the directors of a fleet tell, and finds out who disagrees. */
import type { KeyValue } from './etcd/answers.js';
import { isPart, type Layout } from './layout.js';
import { type MemberState, parseState } from './state.js';

export interface DrainWish {
  /** Milliseconds since 1970; 0 where nobody said it. */
  sinceMs: number;
  by?: string;
}

export interface MemberView {
  member: string;
  /** What the director tells; absent while it is away. */
  state?: MemberState;
  /** Whether it sends packets otherwise than most do. */
  disagrees: boolean;
  /** The wish that it is drained. */
  drain?: DrainWish;
}

export interface FleetView {
  prefix: string;
  /** Of the store, when this was read. */
  revision: number;
  /** What most directors have; the newer configuration where as many have another. Absent without directors. */
  fingerprint?: string;
  /** In the order of their names. */
  directors: MemberView[];
  /** Keys that hold no state of a director. */
  unread: string[];
}

export function fleetView(
  layout: Layout,
  states: { revision: number; kvs: readonly KeyValue[] },
  drains: readonly Pick<KeyValue, 'key' | 'value'>[],
): FleetView {
  const members = new Map<string, { state?: MemberState; drain?: DrainWish }>();
  const unread: string[] = [];
  for (const { key, value } of states.kvs) {
    const member = key.slice(layout.states.length);
    const state = parseState(member, value);
    if (state === undefined) unread.push(key);
    else members.set(member, { state });
  }
  for (const { key, value } of drains) {
    const member = key.slice(layout.drains.length);
    if (isPart(member)) members.set(member, { ...members.get(member), drain: parseDrain(value) });
    else unread.push(key);
  }
  const fingerprint = commonOf([...members.values()].flatMap(({ state }) => state ?? []));
  return {
    prefix: layout.prefix,
    revision: states.revision,
    ...(fingerprint !== undefined && { fingerprint }),
    directors: [...members]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([member, { state, drain }]) => ({
        member,
        ...(state && { state }),
        disagrees: state !== undefined && state.fingerprint !== fingerprint,
        ...(drain && { drain }),
      })),
    unread,
  };
}

/** Whatever stands at the key is a wish. */
export function parseDrain(text: string): DrainWish {
  try {
    const { sinceMs, by } = JSON.parse(text) as Record<string, unknown>;
    return {
      sinceMs: Number.isFinite(sinceMs) ? (sinceMs as number) : 0,
      ...(typeof by === 'string' && { by: by.slice(0, 100) }),
    };
  } catch {
    // Somebody has written it by hand.
    return { sinceMs: 0 };
  }
}

function commonOf(states: readonly MemberState[]): string | undefined {
  const votes = new Map<string, { many: number; revision: number }>();
  for (const { fingerprint, revision } of states) {
    const before = votes.get(fingerprint) ?? { many: 0, revision: 0 };
    votes.set(fingerprint, { many: before.many + 1, revision: Math.max(before.revision, revision) });
  }
  const [first] = [...votes].sort(([a, x], [b, y]) => y.many - x.many || y.revision - x.revision || (a < b ? -1 : 1));
  return first?.[0];
}
