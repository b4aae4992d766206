/** The recipe of docs/operations/security.md works as it is written, but for the ports. */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { connectClient } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';

const page = fs.readFileSync(fileURLToPath(new URL('../../../docs/operations/security.md', import.meta.url)), 'utf8');
const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** Blocks of one language, in their order. */
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1] ?? '');

test('TLS for clients, as the page says', async (t) => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'zabkeeper-recipe-'));
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }));
  const [certificates = '', check = ''] = blocks('sh');
  const [config = ''] = blocks('properties');
  const sh = (text: string): string => execFileSync('sh', ['-e', '-c', text], { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }); // prettier-ignore
  sh(certificates);
  t.regex(sh(check), /server\.crt: OK\nclient\.crt: OK/);
  const [plain = 0, secure = 0] = await freePorts(2);
  t.regex(config, /clientPort=2181\n[\s\S]*secureClientPort=2281\n/);
  const written = config.replace('=2181', `=${plain}`).replace('=2281', `=${secure}`);
  fs.writeFileSync(join(dir, 'zoo.cfg'), written);
  fs.mkdirSync(join(dir, 'data'));
  const server = spawn(process.execPath, [main, 'serve', 'zoo.cfg'], { cwd: dir, stdio: 'ignore' });
  t.teardown(() => server.kill());
  const read = (file: string): string => fs.readFileSync(join(dir, file), 'utf8');
  const tls = { ca: read('ca.pem'), key: read('client.pem'), cert: read('client.pem'), servername: 'localhost' };
  const client = await eventually('the server is there', () =>
    connectClient(secure, {}, '127.0.0.1', tls).catch(() => null),
  );
  const { body } = await client.call({ op: 'whoAmI' });
  client.cut();
  t.deepEqual(body.type === 'identities' ? body.identities : null, [
    { scheme: 'ip', id: '127.0.0.1' },
    { scheme: 'x509', id: 'CN=bob,OU=Dev,O=Acme,C=US' },
  ]);
});
