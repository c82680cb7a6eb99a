/** A process that is killed while it writes loses nothing that it has acknowledged, and leaves no group by half. The soak does it 200 times. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Expected, killOnce } from "../support/store-kill.ts";

const SEED = 20_261;
const ACKNOWLEDGEMENTS = [1, 40, 7, 120, 3, 63];

it(`design 7: what was acknowledged is there after SIGKILL, groups whole or absent (seed ${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-kill-"));
  try {
    const expected = new Expected(SEED);
    for (const acknowledgements of ACKNOWLEDGEMENTS)
      expect(await killOnce(join(folder, "tandem.db"), SEED, expected, acknowledgements)).toBe("");
    expect(expected.count).toBeGreaterThanOrEqual(ACKNOWLEDGEMENTS.reduce((sum, one) => sum + one));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
