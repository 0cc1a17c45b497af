/** Which parts of the public API have to show an example. */

/** Option types that only hold what others share, or that have their example in the type that holds them. */
const SHOWN_ELSEWHERE = [
  'EngineOptions',
  'HostOptions',
  'DeviceOptions',
  'MarkDeviceOptions',
  'HttpOptions',
  'TlsOptions',
];

function wantsExample(reflection, { ReflectionKind }) {
  if (reflection.kindOf([ReflectionKind.Class, ReflectionKind.Function])) return true;
  const isHandle = ['VirtualService', 'RealServer'].includes(reflection.name);
  const isOptions = /Options$/.test(reflection.name) && !SHOWN_ELSEWHERE.includes(reflection.name);
  return isHandle || isOptions;
}

function hasExample(reflection) {
  const comments = [reflection.comment, ...(reflection.signatures ?? []).map((signature) => signature.comment)];
  return comments.some((comment) => comment?.getTag('@example') !== undefined);
}

/** The names of the public classes, functions and option types that have no example. */
export function lacksExample(project, library) {
  return (project.children ?? [])
    .filter((reflection) => wantsExample(reflection, library) && !hasExample(reflection))
    .map((reflection) => reflection.name);
}
