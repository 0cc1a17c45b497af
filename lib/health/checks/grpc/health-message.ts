/** The messages of grpc.health.v1 in their frames (gRPC over HTTP/2; protocol buffers). */
import { CheckFailure } from '../check.js';

/** HealthCheckResponse.ServingStatus. */
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

const PREFIX_BYTES = 5;

/** Writes HealthCheckRequest { service = 1 }. */
export function writeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Reads HealthCheckResponse { status = 1 }; throws a CheckFailure when it is none. */
export function readResponse(bytes: Buffer): string {
  if (bytes.length < PREFIX_BYTES) throw none('it is too short');
  if (bytes[0] !== 0) throw none('it is compressed');
  if (bytes.readUInt32BE(1) !== bytes.length - PREFIX_BYTES) throw none('its length is another');
  const status = readStatus(bytes.subarray(PREFIX_BYTES));
  return statuses[status] ?? `status ${status}`;
}

const none = (why: string) => new CheckFailure('wrong answer', `no HealthCheckResponse: ${why}`);

/** Fields that are not known are passed over; of several values the last counts. */
function readStatus(message: Buffer): number {
  let at = 0;
  let status = 0;
  while (at < message.length) {
    const tag = next();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: {
        const value = next();
        if (field === 1) status = value;
        break;
      }
      case 1:
        at += 8;
        break;
      case 2: {
        const length = next();
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw none('it is no protocol buffer');
    }
  }
  if (at > message.length) throw none('it ends within a field');
  return status;

  function next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw none('it ends within a field');
      if (factor > 2 ** 63) throw none('it is no protocol buffer');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
