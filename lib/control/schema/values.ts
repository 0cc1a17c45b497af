/** Schemas of plain values, and how the library's figures look in JSON. */
import { z } from 'zod';
import { MAX_UINT32 } from '../../values/options.js';
import { protocols } from '../../values/protocol.js';
import { MAX_TIMEOUT_SECONDS } from '../../values/timeouts.js';

export const port = z.int().min(0).max(65535);
export const address = z.string().max(64).describe('An IP address, such as 192.0.2.1 or 2001:db8::1.');
export const virtualAddress = z
  .string()
  .max(64)
  .describe('A virtual address (VIP), or a range of them such as 192.0.2.0/28.');
export const protocol = z.enum(protocols);
export const mark = z.int().min(1).max(MAX_UINT32);
export const seconds = z.int().min(1).max(MAX_TIMEOUT_SECONDS);

/** A counter. */
export const figure = z
  .union([z.int(), z.string().regex(/^-?\d+$/)])
  .describe('A number up to 2^53 - 1, beyond that its digits.');

/** From a query, where everything is text. */
export const queryNumber = z
  .string()
  .regex(/^\d{1,10}$/, 'it is no number: write digits')
  .transform(Number);
export const queryFlag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const traffic = z.object({
  connections: figure,
  inPackets: figure,
  inBytes: figure,
  outPackets: figure,
  outBytes: figure,
});

const perSecond = z.number();

export const rates = z.object({
  connections: perSecond,
  inPackets: perSecond,
  inBytes: perSecond,
  outPackets: perSecond,
  outBytes: perSecond,
});

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('One of the ERR_TUNVS_* codes.'),
    detail: z.string().describe('The sentence that says what is wrong and how to mend it.'),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
