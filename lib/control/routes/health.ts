/** `/health`: whether the director works, for those who only look at a status. */
import { z } from 'zod';
import { route } from '../router/route.js';

export const health = route({
  method: 'get',
  path: '/health',
  id: 'getHealth',
  summary: 'Say whether the director works',
  access: 'none',
  answers: { 200: { says: 'It works.', schema: z.object({ status: z.literal('ok') }) } },
  problems: [503],
  run({ context }) {
    // It throws where the director is closed.
    void context.director.virtualServices;
    return { body: { status: 'ok' } };
  },
});
