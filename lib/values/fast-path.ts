/** Whether established connections go by the fast path, a program inside the kernel. */
import { isDeviceName } from './device-name.js';
import { refuse } from './options.js';

/** The choices of {@link DirectorOpenOptions.fastPath} that name no device. */
export const fastPaths = ['off', 'auto', 'egress'] as const;

/** The reason why there is none, as the native part says it, where nobody asked for one. */
export const FAST_PATH_UNASKED = 'it is off';

/** The form of the choices with devices; {@link parseFastPath} looks at their names, too. */
export const FAST_PATH_INGRESS = /^ingress:[^\s/:,]{1,15}(,[^\s/:,]{1,15})*$/;

/**
 * 'off': every packet goes by the workers. 'egress': a program at the egress of the director's device sends on the
 * packets of established connections; opening fails where there can be none. 'auto': the same where it can be, and
 * 'off' elsewhere. 'ingress:eth0' or 'ingress:eth0,eth1': as 'egress', and the program also runs where packets come in
 * by these devices, which spares them the host's routing and netfilter.
 */
export type FastPathChoice = (typeof fastPaths)[number] | `ingress:${string}`;

export interface FastPathWish {
  wish: (typeof fastPaths)[number];
  /** The devices at whose ingress the program runs, too. */
  ingress: string[];
}

/** Returns nothing when the text is no such choice. */
export function parseFastPath(text: string): FastPathWish | undefined {
  const plain = fastPaths.find((each) => each === text);
  if (plain) return { wish: plain, ingress: [] };
  if (!FAST_PATH_INGRESS.test(text)) return undefined;
  const names = text.slice(text.indexOf(':') + 1).split(',');
  return names.every(isDeviceName) ? { wish: 'egress', ingress: [...new Set(names)] } : undefined;
}

export function fastPathOption(name: string, value: unknown): FastPathWish {
  const wish = typeof value === 'string' ? parseFastPath(value) : undefined;
  return wish ?? refuse(name, value, "'off', 'auto', 'egress', or 'ingress:' and devices, as in 'ingress:eth0,eth1'");
}
