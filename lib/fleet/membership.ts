/** What others in a director's process see of its fleet, and ask of it. */
import type { Director } from '../director/director.js';
import type { Role } from '../values/role.js';
import type { DrainWish } from './overview.js';
import type { ConfigurationFrom } from './state.js';

/** How a director stands to its fleet. */
export interface FleetCondition {
  prefix: string;
  /** What the fleet calls this director. */
  member: string;
  /** Whether etcd answers. */
  isConnected: boolean;
  /** Since when it does, or does not, in milliseconds since 1970. */
  sinceMs: number;
  /** The endpoint that is asked. */
  endpoint: string;
  /** The last change of the configuration that is in force, as a revision of etcd. */
  revision: number;
  from: ConfigurationFrom;
  /** The last change of the configuration that etcd has told of. */
  newestRevision: number;
  /** Why the newest is not in force, where it was refused. */
  refused?: string;
  /** Whether the others see this director: etcd holds its state under a lease. */
  hasLease: boolean;
  /** The wish that it is drained. */
  drain?: DrainWish;
  /** The services that it checks for the fleet; absent where each director checks by itself. */
  probedServices?: string[];
}

export interface Member {
  condition(): FleetCondition;
  setRole(role: Role): void;
}

/** Holds the membership of a director once it is in force. */
export class Membership {
  #member: Member | undefined;

  fill(member: Member): void {
    this.#member = member;
  }

  condition(): FleetCondition | undefined {
    return this.#member?.condition();
  }

  /** Somebody says what the director is, whatever the fleet wishes. */
  setRole(director: Pick<Director, 'setRole'>, role: Role): void {
    if (this.#member) this.#member.setRole(role);
    else director.setRole(role);
  }
}
