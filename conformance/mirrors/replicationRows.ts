/**
 * Situations that a comparison must have gone through, each as a step that shows it. They look at the world only: what
 * lies on a connection or a disk at that moment.
 */
import { compareZxid } from '../../core/data/zxid.js';
import type { Packet } from '../../core/replication/packet.js';
import { placeOf, waiting } from '../world/replication.js';
import type { Disk, History, World } from '../world/replication.js';

type Shows = (before: World, action: string, args: readonly number[], after: World, order: History) => boolean;

const disk = (w: World, i: number): Disk => placeOf(w, i).disk;

/** What server i reads in this step. */
const read = (w: World, [i = 0, j = 0]: readonly number[]): Packet | null => {
  const packet = waiting(w, i, j)[0];
  return packet === undefined || packet === 'EOF' ? null : packet;
};

/** The type of the packet behind it. */
const second = (w: World, [i = 0, j = 0]: readonly number[]): string | null => {
  const packet = waiting(w, i, j)[1];
  return packet === undefined || packet === 'EOF' ? null : packet.type;
};

/** Server i has what its file says and has not said so: its answer is still to come. */
const unsaid = (w: World, i: number, file: 'accepted' | 'current'): boolean => {
  const { asked } = disk(w, i);
  return asked?.file === file && 'written' in asked && asked.written;
};

const follows = (w: World, i: number): boolean => placeOf(w, i).told !== null && placeOf(w, i).told !== i;

export const rows: Readonly<Record<string, Shows>> = {
  'DIFF with transactions': (w, action, args) => action === 'HandleDiff' && second(w, args) === 'PROPOSAL',
  'DIFF without transactions': (w, action, args) => action === 'HandleDiff' && second(w, args) === 'NEWLEADER',
  'TRUNC of an uncommitted tail': (w, action, args, _after, order) => {
    const packet = read(w, args);
    const { entries } = disk(w, args[0] as number);
    return (
      action === 'HandleTrunc' &&
      packet?.type === 'TRUNC' &&
      entries.some((t) => compareZxid(t.zxid, packet.zxid) > 0) &&
      entries.every((t) => compareZxid(t.zxid, packet.zxid) <= 0 || !order.some((z) => compareZxid(z, t.zxid) === 0))
    );
  },
  SNAP: (_w, action) => action === 'HandleSnap',
  'commit of an older epoch': (w, action, args, after) => {
    const i = args[0] as number;
    const fresh = placeOf(after, i).tree.slice(placeOf(w, i).tree.length);
    const epoch = disk(after, i).current;
    return action === 'HandleAck' && placeOf(after, i).listening && fresh.some((z) => z.epoch > 1 && z.epoch < epoch);
  },
  'crash between append and sync': (w, action, args) => {
    const { entries, durable } = disk(w, args[0] as number);
    return action === 'Crash' && durable + (args[1] as number) < entries.length;
  },
  'crash between sync and its answer': (w, action, args) => {
    const { entries, durable } = disk(w, args[0] as number);
    return action === 'Crash' && durable < entries.length && (args[1] as number) > 0;
  },
  "crash between acceptedEpoch's file and ACKEPOCH": (w, action, args) =>
    action === 'Crash' && follows(w, args[0] as number) && unsaid(w, args[0] as number, 'accepted'),
  "crash between currentEpoch's file and the ACK of NEWLEADER": (w, action, args) =>
    action === 'Crash' && follows(w, args[0] as number) && unsaid(w, args[0] as number, 'current'),
  'crash before an epoch file is written': (w, action, args) => {
    const { asked } = disk(w, args[0] as number);
    return action === 'Crash' && asked !== null && 'written' in asked && !asked.written;
  },
  'leader steps down': (w, action, [i = 0], after) =>
    action === 'LeaderTimeout' && placeOf(w, i).serving && !placeOf(after, i).serving,
  'two leaders at once': (_w, action, _args, after) =>
    action === 'Elected' && after.places.filter((p) => p.listening).length > 1,
};
