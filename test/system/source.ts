/** Files that stand beside the tests and are not compiled with them. */
import { fileURLToPath } from 'node:url';

/** @param path below test/ */
export const source = (path: string): string => fileURLToPath(new URL(`../../../test/${path}`, import.meta.url));
