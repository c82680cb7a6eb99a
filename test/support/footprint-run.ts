/** What live transactions take, in a process of its own whose heap nobody else uses; prints octets each by name. */
import { signallingFootprints } from "../../bench/signalling/memory.ts";

const footprints = await signallingFootprints(Number(process.argv[2]));
process.stdout.write(
  JSON.stringify(Object.fromEntries(footprints.map(({ name, bytes }) => [name, Math.round(bytes)]))),
);
// Nothing waits for the timers of a thousand transactions.
process.exit(0);
