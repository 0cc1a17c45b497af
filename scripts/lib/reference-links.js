/** Links from the pages of a further entry point to those of the library itself. */

/** The folder of each kind of page, as typedoc's pages in Markdown have it. */
function folderOf(reflection, { ReflectionKind }) {
  const folders = [
    [ReflectionKind.Class, 'classes'],
    [ReflectionKind.Interface, 'interfaces'],
    [ReflectionKind.Function, 'functions'],
    [ReflectionKind.TypeAlias, 'type-aliases'],
    [ReflectionKind.Variable, 'variables'],
  ];
  return folders.find(([kind]) => reflection.kindOf(kind))?.[1];
}

/** The page of each name that `project` exports, by its name, below the folder of all pages. */
export function pagesOf(project, library) {
  const pages = (project.children ?? []).map((each) => [each.name, `${folderOf(each, library)}/${each.name}.md`]);
  return new Map(pages);
}

/**
 * Lets what `application` does not document itself lead to `pages`. Each page that links lies in a folder of its entry
 * point's folder, so the way goes up by two.
 */
export function linkTo(pages, application) {
  application.converter.addUnknownSymbolResolver((reference) => {
    const path = reference.symbolReference?.path?.map((each) => each.path) ?? [];
    const page = pages.get(path.at(0));
    return page !== undefined && path.length === 1 ? `../../${page}` : undefined;
  });
}
