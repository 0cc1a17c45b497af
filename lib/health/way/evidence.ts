/** What one run of a check by the virtual address has shown, apart from what the check says. */
import type { PinError, PinReport } from '../../director/pin.js';

export interface WayEvidence {
  /** The flows that were pinned. */
  flows: number;
  /** Packets of theirs that the director forwarded. */
  packets: number;
  /** Packets that it did not, by the counter that names the reason. */
  kept: PinReport['kept'];
  /** The last ICMP error; one about the tunnel goes before others. */
  icmp?: PinError;
  /** A TCP connection came about, or a datagram was answered. */
  isAnswered: boolean;
  /** The address that the check came from; undefined when there was none. */
  source?: string | undefined;
  /** Who answered in place of the virtual address. */
  wrongSource?: string;
}

export const noEvidence = (): WayEvidence => ({ flows: 0, packets: 0, kept: {}, isAnswered: false });

/** Adds what became of one pinned flow. */
export function addReport(evidence: WayEvidence, report: PinReport): void {
  evidence.packets += report.packets;
  for (const [name, count] of Object.entries(report.kept) as [keyof PinReport['kept'], number][])
    evidence.kept[name] = (evidence.kept[name] ?? 0) + count;
  if (report.icmp && (report.icmp.isOfTunnel || !evidence.icmp?.isOfTunnel)) evidence.icmp = report.icmp;
}
