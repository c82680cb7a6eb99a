/** Hostile SIP harms nobody (hardening R1, R2, R24, G2): a short run of `npm run fuzz:sip` with a fixed seed. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { SipFuzz } from "../support/sip-fuzz.ts";

const SEED = 4475;
const MESSAGES = 4000;
let fuzz: SipFuzz;

beforeAll(async () => {
  fuzz = await SipFuzz.start("127.77.62");
  await fuzz.placeCalls(4);
}, 30_000);
afterAll(() => fuzz.stop());

it("R1, G2: 4,000 mutated messages over UDP and TCP leave 4 calls unharmed, every worker alive and no defect behind", async () => {
  await fuzz.attack(SEED, MESSAGES);
  const report = await fuzz.finish();
  expect(report).toMatchObject({ callsUp: 4, harm: [], workersLost: 0, faults: [] });
  expect(report.received + report.parseErrors).toBeGreaterThan(MESSAGES / 10);
}, 120_000);
