/**
 * Names of literals, such as Scheduler. The compiler knows them as `typeof schedulers[number]` where they are declared,
 * and as a list of literals where they are used. The pages have the list where the name is declared, and the name
 * elsewhere.
 */

const keyOf = (values) => JSON.stringify([...values].sort());

/** The literals that an alias stands for; undefined when it stands for something else. */
function literalsOf(alias, context) {
  const symbol = context.getSymbolFromReflection(alias);
  const type = symbol && context.programs[0].getTypeChecker().getDeclaredTypeOfSymbol(symbol);
  if (!type?.isUnion() || !type.types.every((each) => each.isStringLiteral())) return undefined;
  return type.types.map((each) => each.value);
}

/** `type` with names in place of lists of literals; `aliases` are by what `keyOf` says of their literals. */
function named(type, aliases, library) {
  const { ArrayType, IntersectionType, ReferenceType, TypeOperatorType, UnionType } = library;
  const inner = (each) => named(each, aliases, library);
  if (type instanceof ArrayType) return new ArrayType(inner(type.elementType));
  if (type instanceof TypeOperatorType) return new TypeOperatorType(inner(type.target), type.operator);
  if (type instanceof IntersectionType) return new IntersectionType(type.types.map(inner));
  if (type instanceof ReferenceType) type.typeArguments = type.typeArguments?.map(inner);
  if (!(type instanceof UnionType)) return type;
  const literals = type.types.filter((each) => each.type === 'literal' && typeof each.value === 'string');
  const alias = aliases.get(keyOf(literals.map((each) => each.value)));
  if (alias === undefined) return new UnionType(type.types.map(inner));
  const reference = ReferenceType.createResolvedReference(alias.name, alias, alias.project);
  const others = type.types.filter((each) => !literals.includes(each)).map(inner);
  return others.length === 0 ? reference : new UnionType([...others, reference]);
}

export function linkLiterals(context, library) {
  const { ReflectionKind, UnionType, LiteralType } = library;
  const aliases = new Map();
  for (const alias of context.project.getReflectionsByKind(ReflectionKind.TypeAlias)) {
    const literals = literalsOf(alias, context);
    if (literals === undefined) continue;
    aliases.set(keyOf(literals), alias);
    alias.type = new UnionType(literals.map((literal) => new LiteralType(literal)));
  }
  const spelledOut = new Set(aliases.values());
  for (const reflection of context.project.getReflectionsByKind(ReflectionKind.All)) {
    if (reflection.type && !spelledOut.has(reflection)) reflection.type = named(reflection.type, aliases, library);
  }
}
