// A thread that speaks the worker protocol and behaves as `legId` tells it, so that the scheduler can be tried with
// real threads and without an engine.
import { parentPort, workerData } from "node:worker_threads";

const load = {
  legs: 0,
  streams: 0,
  packetsIn: 0,
  packetsOut: 0,
  framesOut: 0,
  framesDropped: 0,
  lateTicks: 0,
  worstLatenessMs: 0,
  utilisation: 0,
  datagrams: "dgram",
};

if (workerData.wasmUrl === "dies-at-start") throw new Error("cannot start");
const say = (message) => parentPort.postMessage([message]);
parentPort.on("message", (requests) => requests.forEach(take));
function take({ id, name, args }) {
  if (name === "unbridge" && args.legId === 1) throw new Error("thrown on demand");
  if (name === "unbridge" && args.legId === 2) for (;;);
  if (name === "unbridge" && args.legId === 3) process.exit(7);
  say({ id, ok: true, value: name === "load" ? { ...load, packetsIn: workerData.portMin } : null });
  if (name === "shutdown") {
    clearInterval(reporting);
    parentPort.close();
  }
}
say({ notice: "ready", abiVersion: 1, datagrams: "dgram", why: "" });
const reporting = setInterval(() => say({ notice: "load", load }), 50);
