/** The engine's counters. Each has its line here, or is a drop, whose reason is its name. */
import { counterMeanings } from '../stats/counter-meanings.js';
import { type CounterName, counterNames, type DropName, isDropName } from '../stats/counter-names.js';
import { type LabelSet, NO_LABELS, labelSet, snakeCase } from './label-set.js';
import type { Metric } from './metric.js';

/** The metric that a counter is, or the metric and the value of its label. */
type Place = string | readonly [metric: keyof typeof SHARED, value: string];

/** The metrics that several counters make, with the name of the label that tells them apart. */
const SHARED = {
  tunvs_dropped_packets_total: ['reason', 'Packets that were dropped.'],
  tunvs_answered_packets_total: ['reason', 'Packets that the director answered itself.'],
  tunvs_icmp_errors_total: ['outcome', 'ICMP errors about packets of connections, and what became of them.'],
  tunvs_delayed_packets_total: ['reason', 'Packets that had to wait before it was decided where they go.'],
  tunvs_answers_sent_total: ['kind', 'Answers to packets that were dropped.'],
  tunvs_egress_failed_packets_total: ['reason', 'Packets that the egress could not send.'],
  tunvs_evictions_total: ['standing', 'Entries of the full connection table that gave way, by what they were.'],
} as const;

const PLACES: Readonly<Record<Exclude<CounterName, DropName>, Place>> = {
  received: 'tunvs_received_packets_total',
  receivedBytes: 'tunvs_received_bytes_total',
  forwarded: 'tunvs_forwarded_packets_total',
  pinned: 'tunvs_pinned_packets_total',
  returned: 'tunvs_returned_packets_total',
  passedOn: 'tunvs_passed_on_packets_total',
  forwardedBytes: 'tunvs_forwarded_bytes_total',
  oversized: 'tunvs_oversized_packets_total',
  vectors: 'tunvs_device_reads_total',
  readsHeldBack: 'tunvs_device_reads_held_back_total',
  connectionsCreated: 'tunvs_connections_opened_total',
  connectionsMidStream: 'tunvs_connections_opened_mid_stream_total',
  connectionsExpired: 'tunvs_connections_expired_total',
  connectionsEvicted: 'tunvs_connections_evicted_total',
  connectionsDropped: 'tunvs_connections_ended_early_total',
  connectionsReset: 'tunvs_connections_reset_total',
  connectionsRescheduled: 'tunvs_connections_rescheduled_total',
  evictedClosing: ['tunvs_evictions_total', 'closing'],
  evictedUnproven: ['tunvs_evictions_total', 'unproven'],
  evictedIdle: ['tunvs_evictions_total', 'idle'],
  templatesCreated: 'tunvs_templates_made_total',
  templatesEnded: 'tunvs_templates_ended_total',
  templatesEvicted: 'tunvs_templates_evicted_total',
  answeredEcho: ['tunvs_answered_packets_total', 'echo'],
  answeredTooBig: ['tunvs_answered_packets_total', 'too_big'],
  relayedIcmp: ['tunvs_icmp_errors_total', 'relayed'],
  recreatedIcmp: ['tunvs_icmp_errors_total', 'recreated'],
  consumedIcmp: ['tunvs_icmp_errors_total', 'consumed'],
  waitingFragment: ['tunvs_delayed_packets_total', 'fragment'],
  parked: ['tunvs_delayed_packets_total', 'policy'],
  fragmentsReleased: 'tunvs_fragments_released_total',
  fragmentsRefused: 'tunvs_fragments_refused_total',
  parkedReleased: 'tunvs_parked_packets_released_total',
  parkedRefused: 'tunvs_parked_packets_refused_total',
  fragmentsSent: 'tunvs_outer_fragments_sent_total',
  answersUnreachable: ['tunvs_answers_sent_total', 'unreachable'],
  answersReset: ['tunvs_answers_sent_total', 'reset'],
  answersSuppressed: 'tunvs_answers_suppressed_total',
  pathMtuLowered: 'tunvs_path_mtu_lowered_total',
  pathMtuDisbelieved: 'tunvs_path_mtu_disbelieved_total',
  superPackets: 'tunvs_super_packets_total',
  segmentsMade: 'tunvs_segments_made_total',
  badOffloads: 'tunvs_bad_offload_packets_total',
  offloadsRefused: 'tunvs_offloads_refused_packets_total',
  fastForwarded: 'tunvs_fast_forwarded_packets_total',
  slowOther: 'tunvs_slow_other_packets_total',
  slowFragment: 'tunvs_slow_fragment_packets_total',
  slowControl: 'tunvs_slow_control_packets_total',
  slowUnknown: 'tunvs_slow_unknown_packets_total',
  slowNotYet: 'tunvs_slow_not_yet_packets_total',
  slowExpired: 'tunvs_slow_expired_packets_total',
  slowRise: 'tunvs_slow_rise_packets_total',
  slowServer: 'tunvs_slow_server_packets_total',
  slowTooLong: 'tunvs_slow_too_long_packets_total',
  fastFailed: 'tunvs_fast_failed_packets_total',
  handedOut: 'tunvs_egress_packets_total',
  sent: 'tunvs_egress_sent_packets_total',
  sentToHost: 'tunvs_egress_sent_to_host_packets_total',
  egressNoBuffer: ['tunvs_egress_failed_packets_total', 'no_buffer'],
  egressNoRoute: ['tunvs_egress_failed_packets_total', 'no_route'],
  egressTooLong: ['tunvs_egress_failed_packets_total', 'too_long'],
  egressFailed: ['tunvs_egress_failed_packets_total', 'other'],
};

interface CounterRow {
  readonly labels: LabelSet;
  readonly counter: CounterName;
}

function placeOf(counter: CounterName): Place {
  if (isDropName(counter)) return ['tunvs_dropped_packets_total', snakeCase(counter.slice('drop'.length))];
  return PLACES[counter];
}

/** Says what a counter of its own counts: `Packets: read from the device.` */
function helpOf(counter: CounterName): string {
  const { kind, sentence } = counterMeanings[counter];
  return `${kind.charAt(0).toUpperCase()}${kind.slice(1)}: ${sentence}.`;
}

function alone(name: string, counter: CounterName): Metric<CounterRow> {
  const rows = [{ labels: NO_LABELS, counter }];
  return { ...{ name, type: 'counter', help: helpOf(counter), labelNames: [] }, rows: () => rows, value };
}

function shared(name: keyof typeof SHARED): Metric<CounterRow> {
  const [label, help] = SHARED[name];
  const rows: CounterRow[] = [];
  const meanings: Record<string, string> = {};
  for (const counter of counterNames) {
    const place = placeOf(counter);
    if (typeof place === 'string' || place[0] !== name) continue;
    rows.push({ labels: labelSet({ [label]: place[1] }), counter });
    meanings[place[1]] = counterMeanings[counter].sentence;
  }
  return { ...{ name, type: 'counter', help, labelNames: [label], meanings }, rows: () => rows, value };
}

const value: Metric<CounterRow>['value'] = ({ counter }, { stats }) => stats.counters[counter];

export const engineMetrics: readonly Metric<CounterRow>[] = [
  ...(Object.keys(SHARED) as (keyof typeof SHARED)[]).map(shared),
  ...counterNames.flatMap((counter) => {
    const place = placeOf(counter);
    return typeof place === 'string' ? [alone(place, counter)] : [];
  }),
];
