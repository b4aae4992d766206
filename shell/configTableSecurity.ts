/** The keys of zoo.cfg that say who may do what, and how connections are protected: part of shell/configTable.ts. */

/** As shell/configTable.ts has them. */
type KeyRow = readonly [byDefault: string, about: string];

const rows = <K extends string>(table: Readonly<Record<K, KeyRow>>): Readonly<Record<K, KeyRow>> => table;

/** Those that clients and servers have alike; `who` says which. */
const tlsRows = (who: string) =>
  ({
    location: ['', `file with the key and the certificate of the server for ${who}`],
    password: ['', 'its password'],
    passwordPath: ['', 'file with that password; goes before it'],
    type: ['by the name of the file', '`PEM`, `PKCS12` or `JKS`'],
    trusted: ['the authorities of Node', `file with the authorities that ${who} are held against`],
    clientAuth: ['need', '`none`, `want` or `need`: whether who connects must show a certificate'],
    protocol: ['TLSv1.3', 'the highest version: `TLSv1.3` or `TLSv1.2`'],
    enabledProtocols: ['TLSv1.3,TLSv1.2', 'the versions'],
    ciphersuites: ['those of Node', 'names as Java has them, with commas between'],
    crl: ['false', 'certificates are held against revocation lists, those of `crl.files` or of a PEM trust store'],
    crlFiles: ['', 'PEM files with revocation lists, with commas between. Ours alone'],
    ocsp: ['false', 'true is refused: nobody is asked over OCSP'],
    handshake: ['5000', 'milliseconds until a connection has ended its handshake'],
  }) as const satisfies Readonly<Record<string, KeyRow>>;

const client = tlsRows('clients');
const quorum = tlsRows('servers');

export const securityKeys = rows({
  secureClientPort: ['', 'port for clients over TLS'],
  secureClientPortAddress: ['every address', 'its address'],
  'client.portUnification': ['false', '`clientPort` takes clients with and without TLS'],
  'client.certReload': ['false', 'changed stores of `ssl.*` are read again'],
  'ssl.keyStore.location': client.location,
  'ssl.keyStore.password': client.password,
  'ssl.keyStore.passwordPath': client.passwordPath,
  'ssl.keyStore.type': client.type,
  'ssl.trustStore.location': client.trusted,
  'ssl.trustStore.password': client.password,
  'ssl.trustStore.passwordPath': client.passwordPath,
  'ssl.trustStore.type': client.type,
  'ssl.clientAuth': client.clientAuth,
  'ssl.protocol': client.protocol,
  'ssl.enabledProtocols': client.enabledProtocols,
  'ssl.ciphersuites': client.ciphersuites,
  'ssl.hostnameVerification': ['true', 'of clients only with `ssl.clientHostnameVerification`, too'],
  'ssl.clientHostnameVerification': ['false', 'the certificate of a client must be for the address it calls from'],
  'ssl.crl': client.crl,
  'ssl.crl.files': client.crlFiles,
  'ssl.ocsp': client.ocsp,
  'ssl.handshakeDetectionTimeoutMillis': client.handshake,
  'ssl.authProvider': ['x509', 'only `x509`: the scheme of TLS clients'],
  sslQuorum: ['false', 'servers call each other over TLS'],
  portUnification: ['false', 'quorum and election port take TLS and plain connections'],
  sslQuorumReloadCertFiles: ['false', 'changed stores of `ssl.quorum.*` are read again'],
  'ssl.quorum.keyStore.location': quorum.location,
  'ssl.quorum.keyStore.password': quorum.password,
  'ssl.quorum.keyStore.passwordPath': quorum.passwordPath,
  'ssl.quorum.keyStore.type': quorum.type,
  'ssl.quorum.trustStore.location': quorum.trusted,
  'ssl.quorum.trustStore.password': quorum.password,
  'ssl.quorum.trustStore.passwordPath': quorum.passwordPath,
  'ssl.quorum.trustStore.type': quorum.type,
  'ssl.quorum.clientAuth': quorum.clientAuth,
  'ssl.quorum.protocol': quorum.protocol,
  'ssl.quorum.enabledProtocols': quorum.enabledProtocols,
  'ssl.quorum.ciphersuites': quorum.ciphersuites,
  'ssl.quorum.hostnameVerification': ['true', 'the certificate of a server must be for its host'],
  'ssl.quorum.clientHostnameVerification': ['true', 'also of a server that calls, for the address it calls from'],
  'ssl.quorum.crl': quorum.crl,
  'ssl.quorum.crl.files': quorum.crlFiles,
  'ssl.quorum.ocsp': quorum.ocsp,
  'ssl.quorum.handshakeDetectionTimeoutMillis': quorum.handshake,
  'java.security.auth.login.config': ['', 'JAAS file with the users of DIGEST-MD5; a property of the JVM in Apache'],
  'sasl.serverconfig': ['Server', 'its section for clients'],
  'SASLAuthenticationProvider.superPassword': ['', 'password of the SASL user `super`, who passes every ACL of SASL'],
  allowSaslFailedClients: ['false', 'clients that fail in SASL stay, as nobody'],
  sessionRequireClientSASLAuth: ['false', 'clients must authenticate by SASL'],
  'enforce.auth.enabled': ['false', 'clients must authenticate'],
  'enforce.auth.schemes': ['', 'by one of these schemes, with commas between'],
  'quorum.auth.enableSasl': ['false', 'servers may prove to each other who they are'],
  'quorum.auth.learnerRequireSasl': ['false', 'who calls proves it'],
  'quorum.auth.serverRequireSasl': ['false', 'who is called wants it proved'],
  'quorum.auth.learner.saslLoginContext': ['QuorumLearner', 'section of the JAAS file for who calls'],
  'quorum.auth.server.saslLoginContext': ['QuorumServer', 'section of the JAAS file for who is called'],
  'DigestAuthenticationProvider.enabled': ['true', 'the scheme digest'],
  'DigestAuthenticationProvider.digestAlg': [
    'SHA1',
    'its algorithm by its name in Java: SHA1, SHA-256, SHA-512, SHA3-256, MD5 and their like',
  ],
  'X509AuthenticationProvider.superUser': ['', 'distinguished name of a super user'],
  superUser: ['', 'SASL user who passes every ACL'],
  ensembleAuthName: ['', 'names of the ensemble that clients may ask for, with commas between'],
  enableEagerACLCheck: ['false', 'a write that the ACLs here forbid is not sent to the leader'],
  'audit.enable': ['false', 'a line for every write'],
  'audit.file': ['-', 'file for these lines; `-`: standard output. Ours alone'],
});

/** Accepted, and without effect. */
export const securityIgnored = rows({
  requireClientAuthScheme: ['', 'no server reads it; use `enforce.auth.enabled` and `enforce.auth.schemes`'],
  jaasLoginRenew: ['', 'Kerberos is not supported'],
  'ssl.sslProvider': ['JDK', 'there is one TLS, that of Node'],
  'ssl.quorum.sslProvider': ['JDK', 'there is one TLS, that of Node'],
  'netty.server.earlyDropSecureConnectionHandshakes': ['', 'limits of connections hold before the handshake'],
  'audit.impl.class': ['', 'names a Java class; lines have one form'],
  'ssl.context.supplier.class': ['', 'names a Java class'],
  'ssl.quorum.context.supplier.class': ['', 'names a Java class'],
  'quorum.auth.kerberos.servicePrincipal': ['zkquorum/localhost', 'Kerberos is not supported'],
  'kerberos.removeHostFromPrincipal': ['false', 'Kerberos is not supported'],
  'kerberos.removeRealmFromPrincipal': ['false', 'Kerberos is not supported'],
});
