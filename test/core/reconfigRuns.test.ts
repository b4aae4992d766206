/** Random lives of ensembles that change: crashes, cuts, elections and reconfigs in any order. */
import test from 'ava';
import { formatZxid } from '../../core/data/zxid.js';
import { worldOf } from './reconfigWorld.js';

const runs = 40;
const stepsARun = 2500;
const size = 5;

test('Agreement: whatever happens meanwhile, one leader an epoch and one history; at rest the ensemble goes on', (t) => {
  let reconfigs = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    const w = worldOf(seed, size, 3);
    w.rest(3000);
    t.not(w.leader(), null, `seed ${seed}: nobody leads at first`);
    for (let i = 0; i < stepsARun && w.fault() === null; i += 1) w.step();
    t.is(w.fault(), null);
    w.rest(30_000);
    t.is(w.fault(), null);
    const leader = w.leader();
    if (leader === null || leader.state === null) return t.fail(`seed ${seed}: nobody leads at rest`);
    w.write();
    w.rest(2000);
    const { delivered, ensemble } = leader.state.replication;
    for (const id of ensemble.active.voters) {
      const node = w.nodes[id - 1];
      t.is(formatZxid(node?.state?.replication.delivered ?? { epoch: 0, counter: 0 }), formatZxid(delivered), `seed ${seed}: server ${id}`); // prettier-ignore
    }
    reconfigs += w.reconfigs();
  }
  t.log(`${runs} runs, ${reconfigs} reconfigs`);
  t.true(reconfigs > runs);
});
