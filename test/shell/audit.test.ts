import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { AuditEntry } from '../../core/service/audit.js';
import { auditFields, openAudit } from '../../shell/audit.js';
import type { AuditLog } from '../../shell/audit.js';

const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-audit-'));
test.after.always(() => rmSync(dir, { recursive: true }));

const entry: AuditEntry = {
  session: '00000193447300aa',
  user: '127.0.0.1,bob',
  ip: '127.0.0.1',
  operation: 'create',
  znode: '/a',
  znodeType: 'persistent',
  acl: null,
  result: 'success',
};

const opened = (file: string, failures: string[] = []): AuditLog | null => {
  const now = (): Date => new Date(2026, 10, 1, 2, 3, 4, 5);
  const audit = openAudit({ file, now, onFailed: (problem) => failures.push(problem) });
  return E.isRight(audit) ? audit.right : null;
};

test('fields in the order of Apache, those without a value left out', (t) => {
  t.is(
    auditFields(entry, 'zk'),
    'session=0x193447300aa\tuser=127.0.0.1,bob\tip=127.0.0.1\toperation=create\tznode=/a\tznode_type=persistent\tresult=success',
  );
  t.is(auditFields({ ...entry, session: null, user: null, ip: null, znodeType: null }, 'zk'), 'user=zk\toperation=create\tznode=/a\tresult=success'); // prettier-ignore
  t.is(auditFields({ ...entry, session: '0000000000000000' }, 'zk').split('\t')[0], 'session=0x0');
});

test('nobody writes lines or fields of their own', (t) => {
  const fields = auditFields({ ...entry, znode: '/a\tresult=success\nsession=0x1', user: 'eve\r\n' }, 'zk');
  t.is(fields.split(/[\t\n\r]/).length, 7);
});

test('lines with time and level are added to the file as they are flushed', (t) => {
  const file = join(dir, 'audit.log');
  for (const run of [1, 2]) {
    const audit = opened(file);
    audit?.started();
    audit?.entry(entry);
    audit?.entry({ ...entry, result: 'failure' });
    t.is(readFileSync(file, 'utf8').split('\n').length - 1, 4 * (run - 1), 'nothing before it is flushed');
    audit?.flush();
    audit?.stopped();
    audit?.close();
  }
  const lines = readFileSync(file, 'utf8').split('\n').slice(4, 8);
  const user = userInfo().username;
  t.deepEqual(lines, [
    `2026-11-01 02:03:04,005 INFO audit.Slf4jAuditLogger: user=${user}\toperation=serverStart\tresult=success`,
    `2026-11-01 02:03:04,005 INFO audit.Slf4jAuditLogger: ${auditFields(entry, user)}`,
    `2026-11-01 02:03:04,005 ERROR audit.Slf4jAuditLogger: ${auditFields({ ...entry, result: 'failure' }, user)}`,
    `2026-11-01 02:03:04,005 INFO audit.Slf4jAuditLogger: user=${user}\toperation=serverStop\tresult=invoked`,
  ]);
});

test('a file that cannot be opened stops the start; one that cannot be written is told of once', (t) => {
  t.is(opened(join(dir, 'none', 'audit.log')), null);
  const failures: string[] = [];
  const audit = opened('/dev/full', failures);
  for (let i = 0; i < 3; i += 1) {
    audit?.entry(entry);
    audit?.flush();
  }
  t.is(failures.length, 1);
  t.regex(failures[0] ?? '', /^audit lines are lost: ENOSPC/);
});
