import test from 'ava';
import { isValidPath, nameOf, parentOf } from '../../../core/service/path.js';
import { firstSessionId, nextSessionId } from '../../../core/service/sessionId.js';

test('path: the rules of a full path, by example', (t) => {
  for (const good of ['/', '/a', '/a/b', '/..a', '/a..', '/.a./b', '/ ', '/\u00a0', '/\uf900', '/\uffef', '/é'])
    t.true(isValidPath(good), JSON.stringify(good));
  const bad = ['', 'a', '/a/', '//', '//a', '/a//b', '/.', '/..', '/a/./b', '/a/..', '/\u0000', '/\u001f', '/\u007f'];
  for (const path of [...bad, '/\u009f', '/\ud800', '/\uf8ff', '/\ufff0', '/\uffff', '/😀'])
    t.false(isValidPath(path), JSON.stringify(path));
});

test('path: parents and names as lookups need them', (t) => {
  t.deepEqual(['/a', '/a/b', '/', '//y', '/ex//y', '/ex/'].map(parentOf), ['/', '/a', '/', '/', '/ex/', '/ex']);
  t.deepEqual(['/a', '/a/b', '/', '/ex/'].map(nameOf), ['a', 'b', '', '']);
});

test('sessionId: server, clock and counter', (t) => {
  t.is(firstSessionId(1, 0x0a740a), '0100000a740a0000'); // the clock in bits 16 to 55
  t.is(firstSessionId(254, 2 ** 40 + 5.9), 'fe00000000050000');
  t.is(firstSessionId(128, 2 ** 40), '8000000000000001'); // never the mark of containers
  t.is(nextSessionId('0100000a740a0000'), '0100000a740a0001');
  t.is(nextSessionId('01000000ffffffff'), '0100000100000000');
  t.is(nextSessionId('ffffffffffffffff'), '0000000000000000');
});
