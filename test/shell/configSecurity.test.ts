/** The keys of zoo.cfg that say who may do what, and how connections are protected. */
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { decodeConfig, explainConfigError } from '../../shell/config.js';
import type { Config } from '../../shell/config.js';
import { securityIgnored, securityKeys } from '../../shell/configTableSecurity.js';
import { cipherOf } from '../../shell/net/tls.js';
import { rulesOf } from '../../shell/security.js';

const jaas = `Server { M required user_bob="b" user_super="s"; };
QuorumServer { M required user_zk="q"; };
QuorumLearner { M required username="zk" password="q"; };
Kerberos { com.sun.security.auth.module.Krb5LoginModule required; };
`;
const files: Readonly<Record<string, string>> = { '/jaas': jaas, '/password': ' s3cret \n', '/broken': 'Server {' };

const decode = (...lines: readonly string[]) =>
  decodeConfig({
    file: 'zoo.cfg',
    text: ['dataDir=d', 'clientPort=1', ...lines].join('\n'),
    readText: (path) => files[path] ?? null,
    ownAddresses: [],
  });

const security = (...lines: readonly string[]): Config['security'] => {
  const decoded = decode(...lines);
  if (E.isRight(decoded)) return decoded.right.security;
  return decoded.left.map(explainConfigError).join('\n') as never;
};

const errors = (...lines: readonly string[]): readonly string[] => {
  const decoded = decode(...lines);
  return E.isLeft(decoded) ? decoded.left.filter((e) => e.severity === 'error').map(explainConfigError) : [];
};

const tlsDefaults = {
  keyStore: null,
  trustStore: null,
  clientAuth: 'need',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: null,
  hostNames: true,
  crlFiles: null,
  reload: false,
  handshakeMs: 5000,
} as const;

test('without any of these keys: digest and ip, nobody protected, nothing audited', (t) => {
  t.deepEqual(security(), {
    secureClient: null,
    clientTls: { prefix: 'ssl.', ...tlsDefaults, clientHostNames: false },
    clientUnification: false,
    quorumTls: { prefix: 'ssl.quorum.', ...tlsDefaults, clientHostNames: true },
    sslQuorum: false,
    quorumUnification: false,
    digestAlgorithm: 'sha1',
    schemes: [],
    ensembleNames: null,
    required: [],
    keepSaslFailed: false,
    eagerCheck: false,
    superX509: null,
    superSasl: [],
    saslUsers: null,
    quorumSasl: null,
    auditFile: null,
  });
});

test('TLS: the same keys for clients and between servers', (t) => {
  for (const [prefix, reload] of [
    ['ssl.', 'client.certReload'],
    ['ssl.quorum.', 'sslQuorumReloadCertFiles'],
  ] as const) {
    // prettier-ignore
    const read = security(
      `${prefix}keyStore.location=/k.p12`,
      `${prefix}keyStore.password=wrong`,
      `${prefix}keyStore.passwordPath=/password`,
      `${prefix}keyStore.type=PKCS12`,
      `${prefix}trustStore.location=/t.jks`,
      `${prefix}trustStore.password=t`,
      `${prefix}clientAuth=WANT`,
      `${prefix}enabledProtocols=TLSv1.2`,
      `${prefix}ciphersuites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384`,
      `${prefix}hostnameVerification=false`,
      `${prefix}clientHostnameVerification=true`,
      `${prefix}crl=true`,
      `${prefix}crl.files=/a, /b`,
      `${prefix}handshakeDetectionTimeoutMillis=7`,
      `${reload}=true`,
    );
    t.deepEqual(prefix === 'ssl.' ? read.clientTls : read.quorumTls, {
      prefix,
      keyStore: { location: '/k.p12', password: 's3cret', type: 'pkcs12' },
      trustStore: { location: '/t.jks', password: 't', type: null },
      clientAuth: 'want',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384',
      hostNames: false,
      clientHostNames: false, // nobody's, when no server's
      crlFiles: ['/a', '/b'],
      reload: true,
      handshakeMs: 7,
    });
    for (const [line, problem] of [
      ['ocsp=true', 'is not supported, and cannot be ignored'],
      ['keyStore.type=BCFKS', 'BCFKS cannot be read here'],
      ['keyStore.type=XYZ', 'must be pem or pkcs12'],
      ['ciphersuites=TLS_RSA_WITH_RC4_128_MD5', 'is not a suite that is offered here'],
      ['enabledProtocols=SSLv3', 'sslv3 is not offered'],
      ['clientAuth=maybe', 'must be none or want or need'],
      ['keyStore.location=/k.pem\nssl.quorum.keyStore.location=/k.pem\nssl.keyStore.passwordPath=/none\nssl.quorum.keyStore.passwordPath=/none', 'the file cannot be read'], // prettier-ignore
    ] as const)
      t.true(errors(`${prefix}${line}`).join().includes(problem), errors(`${prefix}${line}`).join());
  }
  t.deepEqual([security('ssl.protocol=TLSv1.2').clientTls.maxVersion, security('ssl.enabledProtocols=TLSv1.3').clientTls.minVersion], ['TLSv1.2', 'TLSv1.3']); // prettier-ignore
});

test('names of suites as Java has them', (t) => {
  for (const [name, openssl] of [
    ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 'ECDHE-RSA-AES256-SHA384'],
    ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
    ['TLS_DHE_RSA_WITH_AES_256_GCM_SHA384', 'DHE-RSA-AES256-GCM-SHA384'],
    ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
    ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['TLS_NULL_WITH_NULL_NULL', null],
    ['TLS_RSA_WITH_RC4_128_MD5', null],
  ] as const)
    t.is(cipherOf(name), openssl, name);
});

const stores = ['ssl.keyStore.location=/k', 'ssl.trustStore.location=/t'];

test('what asks for TLS asks for a key, and for the authority of those who come', (t) => {
  for (const line of ['secureClientPort=2', 'client.portUnification=true', 'sslQuorum=true', 'portUnification=true']) {
    t.regex(errors(line).join(), /needs a key, found "\w+"; write ssl\.(quorum\.)?keyStore\.location=/, line);
    const keys = ['ssl.keyStore.location=/k', 'ssl.quorum.keyStore.location=/k'];
    t.regex(
      errors(line, ...keys).join(),
      /trustStore\.location: is missing; write the file with your own authority/,
      line,
    );
    t.deepEqual(errors(line, ...keys, 'ssl.clientAuth=none', 'ssl.quorum.clientAuth=none'), [], line);
    t.deepEqual(errors(line, ...keys, 'ssl.trustStore.location=/t', 'ssl.quorum.trustStore.location=/t'), [], line);
  }
  t.deepEqual(security('secureClientPort=2', 'secureClientPortAddress=10.0.0.1', ...stores).secureClient, { host: '10.0.0.1', port: 2 }); // prettier-ignore
  t.deepEqual(security('secureClientPort=2', ...stores).schemes, ['x509']);
  t.regex(errors('secureClientPort=1', 'ssl.keyStore.location=/k').join(), /is the clientPort already/);
  t.regex(errors('secureClientPortAddress=::1').join(), /is set, but secureClientPort is not/);
  t.regex(errors('ssl.authProvider=mine').join(), /is no scheme of TLS clients here/);
});

test('a server for TLS clients alone is not told that nobody can connect', (t) => {
  const text = `dataDir=d\nsecureClientPort=2\n${stores.join('\n')}`;
  const read = decodeConfig({ file: 'zoo.cfg', text, readText: () => null, ownAddresses: [] });
  t.deepEqual(E.isRight(read) ? read.right.warnings : read.left, []);
});

const classes = 'org.apache.zookeeper.server.auth.';

test('schemes by the classes of Apache; others cannot be loaded', (t) => {
  const read = security(
    `authProvider.1=${classes}SASLAuthenticationProvider`,
    `authProvider.x509=${classes}X509AuthenticationProvider`,
    `authProvider.ensemble=${classes}EnsembleAuthenticationProvider`,
    `authProvider.d=${classes}DigestAuthenticationProvider`,
    'ensembleAuthName=prod, alt',
    'java.security.auth.login.config=/jaas',
  );
  t.deepEqual([...read.schemes].sort(), ['ensemble', 'sasl', 'x509']);
  t.deepEqual(read.ensembleNames, ['prod', 'alt']);
  t.deepEqual(read.saslUsers, [['bob', 'b'], ['super', 's']]); // prettier-ignore
  t.regex(
    errors('authProvider.9=com.acme.Mine').join(),
    /3:16: error: authProvider\.9: is a Java class that cannot be loaded/,
  );
  t.regex(errors(`authProvider.1=${classes}SASLAuthenticationProvider`).join(), /needs the users/);
});

test('passwords are shown to nobody', (t) => {
  const key = 'ssl.keyStore.password';
  const read = decode(`${key}=first`, `${key}=second`);
  const said = E.isRight(read) ? read.right.warnings.map(explainConfigError).join() : '';
  t.regex(said, /ssl\.keyStore\.password: is given twice/);
  t.false(/first|second/.test(said.replace('first in line', '')), said);
});

test('users of SASL: from the JAAS file, with its section and its mistakes', (t) => {
  const file = 'java.security.auth.login.config=/jaas';
  t.deepEqual(security(file, 'SASLAuthenticationProvider.superPassword=top').saslUsers, [['bob', 'b'], ['super', 'top']]); // prettier-ignore
  t.deepEqual(security(file, 'sasl.serverconfig=QuorumServer').saslUsers, [['zk', 'q']]);
  t.is(security(file, 'sasl.serverconfig=Clients').saslUsers, null, 'a file for servers alone');
  t.regex(errors(file, 'sasl.serverconfig=Kerberos').join(), /asks for Kerberos, which is not supported/);
  t.regex(errors('java.security.auth.login.config=/none').join(), /the file cannot be read/);
  t.regex(
    errors('java.security.auth.login.config=/broken').join(),
    /\/broken: line 1: a login module or } is expected/,
  );
});

test('enforced authentication names schemes that there are', (t) => {
  const on = 'enforce.auth.enabled=true';
  t.deepEqual(security(on, 'enforce.auth.schemes=digest,ip').required, ['digest', 'ip']);
  t.deepEqual(security('enforce.auth.schemes=digest').required, []);
  t.regex(errors(on).join(), /no scheme is named/);
  t.regex(errors(on, 'enforce.auth.schemes=sasl').join(), /the scheme sasl is not available/);
  t.regex(
    errors('sessionRequireClientSASLAuth=true').join(),
    /the scheme sasl is not available.* write authProvider\.sasl=/,
  );
  t.regex(
    errors(on, 'enforce.auth.schemes=digest', 'DigestAuthenticationProvider.enabled=false').join(),
    /digest is not available/,
  );
});

test('SASL between servers', (t) => {
  const lines = ['java.security.auth.login.config=/jaas', 'quorum.auth.enableSasl=true'];
  const both = ['quorum.auth.learnerRequireSasl=true', 'quorum.auth.serverRequireSasl=true'];
  t.deepEqual(security(...lines, ...both).quorumSasl, { login: { user: 'zk', password: 'q' }, users: [['zk', 'q']], required: true }); // prettier-ignore
  t.deepEqual(security(...lines).quorumSasl, { login: null, users: [['zk', 'q']], required: false });
  t.regex(errors(...both).join(), /is set, but quorum\.auth\.enableSasl is not/);
  t.regex(errors(...lines, both[1] ?? '').join(), /is set, but quorum\.auth\.learnerRequireSasl is not/);
  t.regex(errors('quorum.auth.enableSasl=true').join(), /needs the users/);
  t.regex(errors(...lines, 'quorum.auth.server.saslLoginContext=None').join(), /there is no section None/);
  t.regex(errors(...lines, ...both, 'quorum.auth.learner.saslLoginContext=Server').join(), /no username and password/);
});

test('super users, algorithms, audit: as the rules of the core have them', (t) => {
  const read = decode(
    'superUser=a',
    'superUser.1=b',
    'X509AuthenticationProvider.superUser=CN=root,O=Acme',
    'DigestAuthenticationProvider.digestAlg=SHA-256',
    'enableEagerACLCheck=true',
    'allowSaslFailedClients=true',
    'audit.enable=true',
    'audit.file=/var/log/audit',
  );
  if (E.isLeft(read)) return t.fail(read.left.map(explainConfigError).join('\n'));
  t.is(read.right.security.auditFile, '/var/log/audit');
  const { auth, audit } = rulesOf(read.right);
  t.true(audit);
  t.like(auth, { superSasl: ['a', 'b'], superX509: 'CN=root,O=Acme', eagerCheck: true, keepSaslFailed: true });
  t.deepEqual([...auth.providers.keys()], ['ip', 'digest']);
  const outcome = auth.providers
    .get('digest')
    ?.handleAuthentication(Buffer.from('u:p'), { address: '', identities: [] });
  t.deepEqual(outcome, { type: 'proved', identities: [{ scheme: 'digest', id: 'u:/Y8xRBngpX5duYn15uUqIRaIaCviy5TEwSk419hCwuA=' }] }); // prettier-ignore
  t.regex(errors('DigestAuthenticationProvider.digestAlg=SHA-256', 'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=').join(), /not one of sha-256, which has 32 bytes/); // prettier-ignore
  t.is(security('audit.file=/x').auditFile, null);
  t.is(security('audit.enable=true').auditFile, '-');
});

test('every key of security stands in the tables with what it does', (t) => {
  for (const [key, [, about]] of [...Object.entries(securityKeys), ...Object.entries(securityIgnored)])
    t.true(about.length > 5, key);
  for (const key of Object.keys(securityIgnored)) {
    const read = decode(`${key}=x`);
    t.regex(E.isRight(read) ? read.right.warnings.map(explainConfigError).join() : '', /has no effect here/, key);
  }
});
