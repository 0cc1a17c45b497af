/** What typedoc would show as the compiler sees it, and a reader should see otherwise. */
import { linkLiterals } from './reference-literals.js';

const isOfTunvs = (base) => base.package === 'tunvs';
const isHidden = (base) => base.type === 'reference' && base.reflection === undefined && isOfTunvs(base);

/** Bases that are not exported are nobody's business: what they give stands with the class itself. */
function dropHiddenBases({ project }, { ReflectionKind }) {
  for (const type of project.getReflectionsByKind(ReflectionKind.ClassOrInterface)) {
    type.extendedTypes = type.extendedTypes?.filter((base) => !isHidden(base));
    type.implementedTypes = type.implementedTypes?.filter((base) => !isHidden(base));
    const isTop = (level) => level.isTarget || !level.types.every(isHidden);
    while (type.typeHierarchy && !isTop(type.typeHierarchy)) type.typeHierarchy = type.typeHierarchy.next;
  }
}

/** A page of our own lists the fields of what a schema checks; typedoc knows neither their units nor their sentences. */
function dropSchemaFields({ project }, { ReflectionKind }) {
  const isSchema = (base) => base.type === 'reference' && base.package === 'zod';
  for (const type of project.getReflectionsByKind(ReflectionKind.Interface)) {
    if (!type.extendedTypes?.some(isSchema)) continue;
    for (const member of [...(type.children ?? [])]) project.removeReflection(member);
    type.groups = undefined;
    type.extendedTypes = type.extendedTypes.filter((base) => !isSchema(base));
    type.typeHierarchy = undefined;
  }
}

/** An offline director is a director: what they share is documented there. */
function documentOnce({ project }, { ReflectionKind }) {
  for (const type of project.getReflectionsByKind(ReflectionKind.Class)) {
    const isElsewhere = (member) => member.inheritedFrom?.reflection !== undefined;
    for (const member of (type.children ?? []).filter(isElsewhere)) project.removeReflection(member);
    for (const group of type.groups ?? []) group.children = group.children.filter((member) => !isElsewhere(member));
    type.groups = type.groups?.filter(({ children }) => children.length > 0);
  }
}

/** It does not matter where a member was declared first, nor which variable a constant gets its value from. */
function dropAsides({ project }, { ReflectionKind }) {
  for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
    reflection.inheritedFrom = undefined;
    reflection.overwrites = undefined;
    reflection.implementationOf = undefined;
    if (!reflection.kindOf(ReflectionKind.Parameter)) reflection.defaultValue = undefined;
  }
}

/** Members stand in the order of the sources, but the index is one to look names up in. */
function sortIndex({ project }) {
  for (const group of project.groups ?? []) group.children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Makes what `application` converts readable. */
export function readable(application, library) {
  const { Converter } = library;
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => linkLiterals(context, library));
  application.converter.on(Converter.EVENT_END, (context) => {
    for (const change of [dropSchemaFields, dropHiddenBases, documentOnce, dropAsides, sortIndex])
      change(context, library);
  });
}
