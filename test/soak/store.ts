/**
 * `npm run soak:store`: kills a writing process again and again and looks each time whether the data file holds all that was acknowledged,
 * in whole groups.
 *
 *   npm run soak:store -- --kills 200 --seed 1
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../support/seeded-random.ts";
import { Expected, killOnce } from "../support/store-kill.ts";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "200" }, seed: { type: "string", default: "1" } },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const random = seededRandom(seed);
const folder = mkdtempSync(join(tmpdir(), "tandem-soak-store-"));
const path = join(folder, "tandem.db");
const expected = new Expected(seed);
let unacknowledged = 0;
let failures = 0;
for (let kill = 0; kill < kills; kill++) {
  // Short and long lives: at the opening of the file, in the middle, across checkpoints of the log.
  const acknowledgements = 1 + Math.floor(400 * random() ** 3);
  const before = expected.count;
  const problem = await killOnce(path, seed, expected, acknowledgements);
  unacknowledged += Math.max(0, expected.count - before - acknowledgements);
  if (problem === "") continue;
  failures++;
  console.error(`kill ${kill + 1} (seed ${seed}): ${problem}`);
}
console.log(
  `${kills} kills, ${expected.count} groups written, ${unacknowledged} beyond the asked number found whole, ` +
    `${failures} failures, file ${Math.round(statSync(path).size / 1024)} KiB`,
);
rmSync(folder, { recursive: true, force: true });
process.exitCode = failures === 0 ? 0 : 1;
