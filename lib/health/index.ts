/** Health: checks of real servers, and what follows from them. */
export * from './checks/check.js';
export type { CheckTiming, OnDown } from './options.js';
