/** What zoo.cfg says of how requests are answered: the rules of core/service/rules.ts and the size of a request. */
import type * as t from 'io-ts';
import { defaultRules } from '../core/server.js';
import type { ServiceRules } from '../core/server.js';
import { maxClientFrameBytes } from '../wire/frame.js';
import type { SupportedKey } from './configKeys.js';
import { digestOfUser, oneOf, wholeNumber } from './configValues.js';

type Read = <A>(key: SupportedKey, codec: t.Type<A, string, string>, unit?: string) => A | null;

const flag = oneOf('true', 'false');
const any = Number.MAX_SAFE_INTEGER;
const least = 1024;
const most = 0x3fffffff;

/** Who connections may be and whether writes are audited stand elsewhere (shell/configSecurity.ts). */
export const readRules = (read: Read): Omit<ServiceRules, 'auth' | 'audit'> => {
  const { reaping } = defaultRules;
  return {
    extendedTypes: read('extendedTypesEnabled', oneOf('true', 'false')) === 'true',
    skipAcl: read('skipACL', oneOf('yes', 'no')) === 'yes',
    superDigest: read('DigestAuthenticationProvider.superDigest', digestOfUser),
    enforceQuota: read('enforceQuota', oneOf('true', 'false')) === 'true',
    localSessions:
      read('localSessionsEnabled', flag) !== 'true'
        ? 'off'
        : read('localSessionsUpgradingEnabled', flag) === 'true'
          ? 'upgraded'
          : 'on',
    readOnlyMode: read('readonlymode.enabled', flag) === 'true',
    reaping: {
      checkIntervalMs:
        read('znode.container.checkIntervalMs', wholeNumber(1, any), 'milliseconds') ?? reaping.checkIntervalMs,
      maxPerMinute: read('znode.container.maxPerMinute', wholeNumber(1, any)) ?? reaping.maxPerMinute,
      maxNeverUsedMs:
        read('znode.container.maxNeverUsedIntervalMs', wholeNumber(0, any), 'milliseconds, 0 for never') ??
        reaping.maxNeverUsedMs,
    },
  };
};

/** The largest request of a client, bytes. */
export const readMaxBuffer = (read: Read): number =>
  read('jute.maxbuffer', wholeNumber(least, most), 'bytes') ?? maxClientFrameBytes;
