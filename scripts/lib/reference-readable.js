/** What typedoc would show as the compiler sees it, and a reader should see otherwise. */

/** A name for literals shows the literals: `"rr" | "wrr"`, and not `typeof schedulers[number]`. */
function spellOutLiterals(context, { ReflectionKind, UnionType, LiteralType }) {
  for (const alias of context.project.getReflectionsByKind(ReflectionKind.TypeAlias)) {
    const symbol = context.getSymbolFromReflection(alias);
    const type = symbol && context.programs[0].getTypeChecker().getDeclaredTypeOfSymbol(symbol);
    if (!type?.isUnion() || !type.types.every((each) => each.isStringLiteral())) continue;
    alias.type = new UnionType(type.types.map((each) => new LiteralType(each.value)));
  }
}

/** Bases that are not exported are nobody's business: what they give stands with the class itself. */
function dropPrivateBases({ project }, { ReflectionKind }) {
  const types = project.getReflectionsByKind(ReflectionKind.ClassOrInterface);
  for (const type of types) {
    type.extendedTypes = type.extendedTypes?.filter((base) => base.reflection !== undefined);
    type.implementedTypes = type.implementedTypes?.filter((base) => base.reflection !== undefined);
    if (type.extendedTypes?.length === 0) type.extendedTypes = undefined;
    if (type.implementedTypes?.length === 0) type.implementedTypes = undefined;
    // A member of an exported base is documented once, there.
    for (const member of [...(type.children ?? [])])
      if (type.extendedTypes && member.inheritedFrom?.reflection) project.removeReflection(member);
  }
  for (const reflection of Object.values(project.reflections)) {
    reflection.inheritedFrom = undefined;
    reflection.implementationOf = undefined;
  }
}

/** Makes what `application` converts readable. */
export function readable(application, library) {
  const { Converter } = library;
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => spellOutLiterals(context, library));
  application.converter.on(Converter.EVENT_RESOLVE_END, (context) => dropPrivateBases(context, library), -1000);
}
