/** Opens a director on a device, all of it or nothing. */
import { DirectorHost } from '../host/director-host.js';
import { thisHost } from '../host/host.js';
import { hostKeeper } from '../host/host-keeper.js';
import { tellNeighbours } from '../host/neighbour-news.js';
import { markWarnings } from '../host/mark-device.js';
import { native } from '../native/addon.js';
import type { NativePolicyListener } from '../native/director.js';
import { policyTurns } from '../policy/turns.js';
import { toTunvsError, wrapNative, wrapOption } from '../values/errors.js';
import { directorDevice, markDevices, natSourceWarnings, sourceWarnings } from './director-device.js';
import { DirectorEngine } from './director-engine.js';
import { type CheckedOpenOptions, checkedOpenOptions } from './director-options.js';
import type { DirectorOpenOptions } from './open-options.js';
import type { DirectorParts } from './director-parts.js';
import { watchFastPath } from './fast-path-watch.js';
import { fullNatOf } from './full-nat-options.js';
import { DirectorWatch } from './director-watch.js';
import { EventRelay } from './event-relay.js';
import { ClockPulse } from './pulse.js';
import { Rings } from './rings.js';
import { directorState, stateFolder } from './state-folder.js';
import { beginTakeover } from './takeover/begin.js';
import { Giver } from './takeover/giver.js';
import { givenDevices } from './takeover/given-devices.js';
import type { Common } from './takeover/protocol.js';

/** The interval at which a drain looks at its real server's connections. */
const DRAIN_INTERVAL_MS = 250;
/** How long the host of a killed director with a state stays as it is, for the next one. */
const PATIENCE_SECONDS = 10;
const closedFastPath = () => ({ isInForce: false, reason: 'the director is closed', hooks: [] });

/** The native part must be given its listener before it starts, and before the director exists. */
class PolicyRelay {
  answer: NativePolicyListener = () => {};
  readonly receive: NativePolicyListener = (policy, rows) => this.answer(policy, rows);
}

/** `make` makes the director of its parts. When anything fails, everything done so far is undone. */
export async function openDirector<T>(options: DirectorOpenOptions, make: (parts: DirectorParts) => T): Promise<T> {
  const checked = checkedOpenOptions(options);
  const { sources } = checked.native;
  checked.signal?.throwIfAborted();
  const undo: (() => void)[] = [];
  try {
    const folder = checked.native.state === undefined ? undefined : stateFolder(checked.native.state);
    const taking =
      checked.isTakeover && folder !== undefined
        ? beginTakeover(folder, checked.start, commonOf(checked), undo)
        : undefined;
    const engine = wrapNative(
      () => new native.Engine({ ...checked.native, ...(folder !== undefined && { state: folder }) }),
    );
    undo.push(() => engine.close());
    const relay = new EventRelay();
    engine.onEvents(relay.receive);
    const asked = new PolicyRelay();
    const columns = wrapNative(() => engine.onPolicies(asked.receive, policyTurns(engine)));
    const policies = (answer: NativePolicyListener) => {
      asked.answer = answer;
      return columns;
    };
    const role = taking?.role ?? checked.role;
    const marks = checked.start.markDevices;
    // The sentence is about an interface that has the name and cannot be opened.
    const refused = (message: string) =>
      marks.some(({ name }) => message.includes(`'${name}'`)) ? 'markDevices' : 'device';
    const started = wrapOption(
      (message) =>
        message.includes('the fast path')
          ? 'fastPath'
          : message.includes('a ring')
            ? 'rings'
            : `${refused(message)}.name`,
      () => {
        taking?.starts();
        return engine.start(taking?.start ?? checked.start);
      },
    );
    let host: DirectorHost | undefined;
    const marked = markDevices(
      started,
      checked.start.markDevices.map(({ mark }) => mark),
    );
    const warnings = [
      ...sourceWarnings(sources),
      ...natSourceWarnings(checked.native.natSources, thisHost),
      ...started.warnings,
    ];
    const fastPath = engine.fastPath();
    const taken = engine.takenOver();
    if (taken.reason !== '')
      warnings.push(`the connections in ${folder} are not taken over: ${taken.reason}; they have ended`);
    if (checked.native.fastPath !== 'off' && !fastPath.isInForce)
      warnings.push(`the fast path is off: ${fastPath.reason}`);
    if (checked.setUpHost ?? ![started, ...marked].some(({ attached }) => attached)) {
      const { neighbourNews: timing } = checked;
      const opening = new DirectorHost({
        ...{ sources, ...checked.host },
        ...(timing && { neighbourNews: { timing, tell: tellNeighbours } }),
        ...(folder !== undefined && { patienceSeconds: PATIENCE_SECONDS }),
      });
      undo.push(() => opening.close());
      opening.open(started.device, marked, { keepsWidth: taking !== undefined });
      if (role === 'active') opening.setNatSources(checked.native.natSources);
      warnings.push(...opening.warnings);
      host = opening;
    }
    if (marked.length > 0) warnings.push(...markWarnings(thisHost));
    // This gives the event loop a turn, so that an abort that is due can come in.
    await new Promise((resolve) => setImmediate(resolve));
    checked.signal?.throwIfAborted();
    const pulse = new ClockPulse(DRAIN_INTERVAL_MS);
    const kept = new DirectorEngine(engine);
    undo.push(() => kept.end());
    const rings = new Rings(
      engine,
      () => kept.isEnded,
      (event) => relay.receive([event]),
    );
    const device = directorDevice(started, {
      fastPath: () => (kept.isEnded ? closedFastPath() : engine.fastPath()),
      rings: () => rings.list(),
    });
    const localAddresses = () => thisHost.addresses();
    const watched = host ?? new DirectorHost({ sources });
    const devices = [device, ...marked];
    const director = make({
      keep: (backing) => {
        const watch = new DirectorWatch({ host: watched, devices, ...backing });
        return { watch, keeper: hostKeeper(watch, backing.report) };
      },
      engine: kept,
      sources,
      pulse,
      device,
      markDevices: marked,
      ...{ warnings, host, role, natSources: checked.native.natSources },
      localAddresses,
      fullNat: fullNatOf(checked.native),
      state: folder === undefined ? undefined : directorState(folder, taken),
      taking: taking && {
        complete: () => taking.complete(() => kept.call((open) => open.resume())),
        abandon: () => taking.abandon(),
      },
      giver:
        folder === undefined
          ? undefined
          : (handle) => {
              const give = () => {
                if (taking?.isUnderWay)
                  throw new Error('it is itself taking the place of another: try again in a moment');
                return givenDevices(engine, device, marked, handle.role(), commonOf(checked));
              };
              const stop = () => {
                kept.hold((open) => open.hold());
                handle.stop();
              };
              return new Giver(folder, { ...handle, give, stop });
            },
      nowMs: Date.now,
      policies,
      workerCpu: () => engine.workerCpu(),
      workersTurned: () => engine.workersTurned(),
      sync: engine,
      relay,
      takePrefixes: (prefixes) => rings.take(prefixes),
    });
    if (folder !== undefined) settleLater(kept, host);
    if (fastPath.isInForce)
      watchFastPath(
        () => (kept.isEnded ? undefined : engine.fastPath()),
        (event) => relay.receive([event]),
      );
    return director;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw checked.signal?.aborted ? error : toTunvsError(error);
  }
}

const commonOf = ({ native: { maxConnections }, start: { offloads } }: CheckedOpenOptions): Common => ({
  layout: native.stateLayout,
  maxConnections,
  namespace: native.networkNamespaceName(),
  isPlain: offloads.includes('off'),
});

/** Services come when the director is open, and what its predecessor has left for them stays as long. */
function settleLater(engine: DirectorEngine, host: DirectorHost | undefined): void {
  setTimeout(() => {
    if (engine.isEnded) return;
    engine.settle();
    host?.settle();
  }, PATIENCE_SECONDS * 1000).unref();
}
