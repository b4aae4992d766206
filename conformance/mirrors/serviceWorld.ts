/** The state of the mirror of spec/MCService.tla: what each part of it is made by stands in service.ts. */
import type { WaitingSync } from '../../core/replication/clientSync.js';
import type { LeaderState } from '../../core/service/leader.js';
import type { ServiceState } from '../../core/service/service.js';
import type { Txn } from '../../core/service/txn.js';
import type { World } from '../world/clients.js';

/** Servers ascending by id. */
export type ServiceWorld = {
  readonly servers: readonly ServiceState[];
  readonly leading: LeaderState;
  readonly waiting: readonly WaitingSync[];
  readonly log: readonly Txn[];
  readonly world: World;
};
