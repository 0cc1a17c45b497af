/** The name of an environment variable, as a shell takes it. */
import { z } from 'zod';

export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .meta({ title: 'the name of an environment variable' });
