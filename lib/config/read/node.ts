/** What a file says, with the place of each part. */
import type { Origin } from '../spec.js';

export type Scalar = string | number | boolean | null;

export type ConfigNode = ScalarNode | MapNode | ListNode;

export interface ScalarNode {
  kind: 'scalar';
  value: Scalar;
  at: Origin;
}

export interface MapNode {
  kind: 'map';
  /** The place of a field is that of its name. */
  fields: Map<string, { at: Origin; value: ConfigNode }>;
  at: Origin;
}

export interface ListNode {
  kind: 'list';
  items: ConfigNode[];
  at: Origin;
}
