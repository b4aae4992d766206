/** `npm run fuzz -- --inputs N --seed N`: changed recordings for every decoder, and for the service. */
import { fuzz } from './fuzz.js';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const inputs = option('inputs', 1_000_000);
const seed = option('seed', Math.floor(Math.random() * 0x7fffffff));
const began = performance.now();
let shown = began;
const found = fuzz(inputs, seed, (f) => {
  if (f.inputs % 1000 !== 0 || performance.now() - shown < 5000) return;
  shown = performance.now();
  console.log(`${((shown - began) / 1000).toFixed(0)} s  ${f.inputs} inputs, ${f.decoded} requests, ${f.asked} asked`);
});
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s  ${inputs} inputs, seed ${seed}`);
if (found !== null) console.log(`FAILED with ${found.hex}\n${found.why}`);
process.exit(found === null ? 0 : 1);
