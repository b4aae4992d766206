/** What the servers of both sides are told. */
export const settings: readonly string[] = [
  ...['maxSessionTimeout=300000', 'maxClientCnxns=0', 'extendedTypesEnabled=true', 'enforceQuota=true'],
  // Nodes that are reaped would move the zxids of one side.
  'znode.container.checkIntervalMs=3600000',
  'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
];
