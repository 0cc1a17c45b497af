/** CPUs by their numbers. */

/** The last CPU of the largest affinity that the C library's threads take. */
export const MAX_CPU = 1023;
