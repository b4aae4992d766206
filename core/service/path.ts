/** Paths of znodes. Source: org.apache.zookeeper.common.PathUtils and PrepRequestProcessor. */

/** Nodes that exist from the first start and cannot be deleted. */
export const specialPaths: readonly string[] = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'];

/** The parent as a key of the tree: `/` for `/a`, `/a` for `/a/b`, `/ex/` for `/ex//y`; for the root: itself. */
export const parentOf = (path: string): string => {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
};

/** What stands behind the last slash. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What even a path that is only looked up must have: a slash and no NUL. */
export const hasParent = (path: string): boolean => path.includes('/') && !path.includes('\0');

/**
 * The full rules for a path that a write names. Counted in UTF-16 units, as Java does: so a character outside the
 * basic plane is refused for its surrogates.
 */
export const isValidPath = (path: string): boolean => {
  if (path.charCodeAt(0) !== 0x2f) return false;
  if (path.length === 1) return true;
  let start = 1; // of the component that is being read
  for (let i = 1; i <= path.length; i++) {
    const c = i < path.length ? path.charCodeAt(i) : 0x2f;
    if (c === 0x2f) {
      if (i === start) return false;
      if (isDots(path, start, i)) return false;
      start = i + 1;
    } else if (c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xf8ff) || c >= 0xfff0) return false;
  }
  return true;
};

/** Whether the component is `.` or `..`. */
const isDots = (path: string, start: number, end: number): boolean =>
  path.charCodeAt(start) === 0x2e && (end === start + 1 || (end === start + 2 && path.charCodeAt(start + 1) === 0x2e));
