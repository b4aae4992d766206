/** Mutants of core/service, found by models of spec/MCService.tla: part of the table of all (table.ts). */

const where = 'service';

export const serviceMutants = [
  {
    id: 'events go out behind the answer to the author',
    file: 'core/service/service.ts',
    find: `  for (const change of changes) notify(d, change, txn.zxid);
  const author = takeForwarded(d, txn.session, (oldest) => isAuthor(oldest, txn));
  if (author?.op === 'createSession')
    receiveHeld(d, author.conn, established(d, author.conn, 'creating', result.err === errorCode.ok));
  else if (author !== null) complete(d, author.conn, author.seq, result);
`,
    replace: `  const author = takeForwarded(d, txn.session, (oldest) => isAuthor(oldest, txn));
  if (author?.op === 'createSession')
    receiveHeld(d, author.conn, established(d, author.conn, 'creating', result.err === errorCode.ok));
  else if (author !== null) complete(d, author.conn, author.seq, result);
  for (const change of changes) notify(d, change, txn.zxid);
`,
    operator: 'order',
    where,
    caughtBy: 'ServiceAgain',
  },
  {
    id: 'a read does not wait for the writes before it',
    file: 'core/service/pipeline.ts',
    find: 'if (c.queue.size === 0) answerRead(',
    replace: 'if (c.queue.size >= 0) answerRead(',
    operator: 'dropped guard',
    where,
    caughtBy: 'ServiceLeaderClients',
  },
  {
    id: 'a client that has seen as much as the server is turned away',
    file: 'core/service/connection.ts',
    find: 'compareZxid(seen, zxid) > 0;',
    replace: 'compareZxid(seen, zxid) >= 0;',
    operator: 'comparison',
    where,
    caughtBy: 'ServiceReconnect',
  },
  {
    id: 'a server serves clients that are ahead of it',
    file: 'core/service/connection.ts',
    find: "  if (isAhead(request.lastZxidSeen, replyZxid(d))) return closeClient(d, c, 'client is ahead');\n",
    replace: '',
    operator: 'dropped guard',
    where,
    caughtBy: 'ServiceReconnect',
  },
  {
    id: 'a watch that is set again fires for what the client has seen',
    file: 'core/service/watching.ts',
    find: 'compareZxid(at, request.relativeZxid) > 0;',
    replace: 'compareZxid(at, request.relativeZxid) >= 0;',
    operator: 'comparison',
    where,
    caughtBy: 'ServiceReconnect',
  },
  {
    id: 'one-shot watches stay',
    file: 'core/service/watch.ts',
    find: '  for (const conn of used) round.watches = removeWatch(',
    replace: '  for (const conn of []) round.watches = removeWatch(',
    operator: 'dropped effect',
    where,
    caughtBy: 'ServiceReconnect',
  },
  {
    id: 'recursive watches hear of their own path alone',
    file: 'core/service/watch.ts',
    find: "if (name === 'data' && watches.recursive > 0)",
    replace: "if (name === 'child' && watches.recursive > 0)",
    operator: 'other value',
    where,
    caughtBy: 'ServiceRecursive',
  },
  {
    id: 'a session writes through a server where it does not live',
    file: 'core/service/expiry.ts',
    find: 'err: known.owner === origin ? errorCode.ok : errorCode.sessionMoved',
    replace: 'err: errorCode.ok',
    operator: 'dropped guard',
    where,
    caughtBy: 'ServiceLate',
  },
  {
    id: 'a session stays where it was when its client goes on elsewhere',
    file: 'core/service/leader.ts',
    find: 'setOwner(touch(leader.expiry, session, timeoutMs, nowMs), session, origin)',
    replace: 'touch(leader.expiry, session, timeoutMs, nowMs)',
    operator: 'dropped effect',
    where,
    caughtBy: 'ServiceLate',
  },
  {
    id: 'a client is answered that its session has moved',
    file: 'core/service/pipeline.ts',
    find: 'if (err === errorCode.sessionMoved || hasMoved(body)) {',
    replace: 'if (hasMoved(body)) {',
    operator: 'dropped guard',
    where,
    caughtBy: 'ServiceLate',
  },
  {
    id: 'a session writes behind its end',
    file: 'core/service/expiry.ts',
    find: 'if (known === undefined || known.closing) return { expiry, err: errorCode.sessionExpired };',
    replace: 'if (known === undefined) return { expiry, err: errorCode.sessionExpired };',
    operator: 'dropped guard',
    where,
    caughtBy: 'ServiceSessions',
  },
  {
    id: 'sessions live a tick longer',
    file: 'core/service/expiry.ts',
    find: 'Math.floor(ms / tickMs + 1) * tickMs;',
    replace: 'Math.floor(ms / tickMs + 2) * tickMs;',
    operator: 'other value',
    where,
    caughtBy: 'ServiceLate',
  },
  {
    id: 'the end of a session forgets znodes that are not applied yet',
    file: 'core/service/leader.ts',
    find: '    candidates.add(path);',
    replace: '    candidates.delete(path);',
    operator: 'dropped effect',
    where,
    caughtBy: 'ServiceLeaderClients',
  },
  {
    id: 'checks see only what is applied',
    file: 'core/service/leader.ts',
    find: 'const view: View = { tree: database.tree, outstanding: leader.outstanding, rules };',
    replace: 'const view: View = { tree: database.tree, outstanding: emptyHamt(), rules };',
    operator: 'other value',
    where,
    caughtBy: 'ServiceLeaderClients',
  },
  {
    id: 'the old connection of a session stays beside the new one',
    file: 'core/service/connection.ts',
    find: "  if (old !== undefined) closeClient(d, old, 'attached elsewhere');\n",
    replace: '',
    operator: 'dropped effect',
    where,
    caughtBy: 'ServiceAgain',
  },
  {
    id: 'the connection of a session that ended stays open',
    file: 'core/service/service.ts',
    find: "if (c !== undefined && c.phase !== 'validating') closeClient(d, c, 'session closed');",
    replace: "if (c !== undefined && c.phase === 'validating') closeClient(d, c, 'session closed');",
    operator: 'dropped effect',
    where,
    caughtBy: 'ServiceSessions',
  },
  {
    id: 'a sync waits for what is applied alone',
    file: 'core/replication/clientSync.ts',
    find: 'after: lastLogged(replication.disk)',
    replace: 'after: replication.delivered',
    operator: 'other value',
    where,
    caughtBy: 'ServiceLeaderClients',
  },
] as const;
