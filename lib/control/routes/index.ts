/** The list of the routes, in the order of the documentation. */
import type { Route } from '../route.js';
import { health } from './health.js';

export const routes: readonly Route[] = [health];
