/**
 * Where the two sides may differ: each rule is narrow, has a name, and its reason stands in docs/divergence.md. What would
 * end one of Apache's servers (group I of the table of features) is not generated at all.
 */
import type { ClientRequest, Reply } from '../../core/service/request.js';
import { rootMark } from './program.js';

/** Which request a reply answered. */
export type Asked = ReadonlyMap<Reply, ClientRequest>;

/** Whether a request asks about a node that all programs share: its children and their number depend on the others. */
export const shared = (request: ClientRequest): boolean =>
  'path' in request && request.path !== null && !request.path.includes(rootMark);

/** Rule "characters above U+FFFF": Apache's server sends each as two halves of three bytes, which are no UTF-8. */
export const garbled = (text: string): string => text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '\ufffd'.repeat(6));

/** Rule "ports of the members": the two ensembles listen on their own, and /zookeeper/config names them. */
export const placeless = (text: string): string => text.replace(/127\.0\.0\.1:\d+:\d+/g, 'address');

/**
 * Rule "zxids of replies on their way together": replies from a sync on, and in an ensemble all of several that were asked
 * at once, show what the server had applied when it wrote them, and that depends on what it found in one turn.
 */
export const behindSync = (asked: Asked, inEnsemble: boolean): ReadonlySet<Reply> => {
  const late = new Set<Reply>();
  let isLate = inEnsemble;
  for (const [reply, { op }] of asked) {
    isLate ||= op === 'sync';
    if (isLate && asked.size > 1) late.add(reply);
  }
  return late;
};

/** What a session saw in a step, as it is compared. */
export const told = (asked: Asked, saw: readonly string[]): readonly string[] =>
  rules.reduce((lines, r) => r.apply(lines, asked), saw);

type Rule = { readonly name: string; readonly apply: (lines: readonly string[], asked: Asked) => readonly string[] };

const isEvent = (line: string): boolean => line.startsWith('event');

export const rules: readonly Rule[] = [
  {
    // A session that ends takes its ephemeral nodes along in the order of a hash set: events of one transaction, where
    // no request was asked, are compared without their order.
    name: 'order of the nodes that go with a session',
    apply: (lines, asked) => (asked.size === 0 && lines.every(isEvent) ? lines.toSorted() : lines),
  },
];
