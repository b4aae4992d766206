/** What a request makes of the last seen configuration, and what it may not make of it. */
import test from 'ava';
import fc from 'fast-check';
import { readConfiguration } from '../../../core/configuration.js';
import type { Configuration } from '../../../core/configuration.js';
import { errorCode } from '../../../core/service/error.js';
import { nextConfiguration } from '../../../core/service/reconfig.js';
import type { ReconfigRequest } from '../../../core/service/request.js';

const member = (id: number, role = 'participant', host = `h${id}`): string =>
  `server.${id}=${host}:2888:3888:${role};0.0.0.0:2181`;

const configuration = (...lines: readonly string[]): Configuration => {
  const read = readConfiguration([...lines, 'version=100000000'].join('\n'));
  if (read === null) throw new Error('no configuration');
  return read;
};

const three = configuration(member(1), member(2), member(3));
const version = { epoch: 1, counter: 7 };

const asked = (change: Partial<ReconfigRequest>, current = three, minVoters = 2): Configuration | number =>
  nextConfiguration(
    current,
    { op: 'reconfig', joining: null, leaving: null, members: null, version: null, ...change },
    version,
    minVoters,
  );

const made = (change: Partial<ReconfigRequest>, current = three): Configuration => {
  const next = asked(change, current);
  if (typeof next === 'number') throw new Error(`refused with ${next}`);
  return next;
};

test('who joins is added, who leaves is taken out, in the order of ids and under the new version', (t) => {
  const next = made({ joining: `${member(5, 'observer')},${member(4)}`, leaving: '2' });
  t.deepEqual(next.voters, [1, 3, 4]);
  t.deepEqual(next.observers, [5]);
  t.is(next.text, [member(1), member(3), member(4), member(5, 'observer'), 'version=100000007'].join('\n'));
});

test('whoever joins again is changed', (t) => {
  const next = made({ joining: member(3, 'observer', 'elsewhere') });
  t.deepEqual([next.voters, next.observers], [[1, 2], [3]]);
  t.true(next.text.includes('server.3=elsewhere:'));
});

test('a whole list takes the place of the last one', (t) => {
  const next = made({ members: [member(2), member(7), member(8)].join(',') });
  t.deepEqual(next.voters, [2, 7, 8]);
});

test('what cannot be read or may not be is refused', (t) => {
  t.is(asked({ joining: 'server.4=nothing' }), errorCode.badArguments);
  t.is(asked({ joining: 'anything' }), errorCode.badArguments);
  t.is(asked({ members: `${member(1)},version=5` }), errorCode.badArguments);
  t.is(asked({ joining: member(255) }), errorCode.badArguments);
  t.is(asked({ leaving: 'x' }), errorCode.marshallingError);
  t.is(asked({ leaving: '1,2' }), errorCode.badArguments, 'one voter is too few');
  t.is(asked({ leaving: '1,2,3' }), errorCode.badArguments);
});

test('ports are named once, also those of others (trap I7)', (t) => {
  t.is(asked({ joining: member(4, 'participant', 'h3') }), errorCode.badArguments);
  t.is(asked({ joining: member(4, 'participant', 'H3') }), errorCode.badArguments);
  t.is(asked({ joining: 'server.4=h4:0:3888' }), errorCode.badArguments);
});

test('with groups every voter stands in one, and nobody in two', (t) => {
  const members = [member(1), member(2), member(3)].join(',');
  t.deepEqual(made({ members: `${members},group.1=1:2,group.2=3` }).voters, [1, 2, 3]);
  t.is(asked({ members: `${members},group.1=1:2` }), errorCode.badArguments);
  t.is(asked({ members: `${members},group.1=1:2,group.2=2:3` }), errorCode.badArguments);
});

test('whatever is asked, what is made can be read again and is the same', (t) => {
  const id = fc.integer({ min: 1, max: 9 });
  const lines = fc.array(fc.tuple(id, fc.constantFrom('participant', 'observer')), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.option(lines),
      fc.option(fc.array(id, { maxLength: 4 })),
      fc.option(lines),
      (joining, leaving, members) => {
        const text = (list: readonly (readonly [number, string])[] | null): string | null =>
          list === null ? null : list.map(([n, role]) => member(n, role)).join(',');
        const next = asked({ joining: text(joining), leaving: leaving?.join(',') ?? null, members: text(members) });
        if (typeof next === 'number') return next === errorCode.badArguments;
        t.deepEqual(readConfiguration(next.text), next);
        return next.voters.length >= 2;
      },
    ),
  );
});
