/** A thread that binds one UDP port with the kind of sockets it is told, and then waits to be killed. */
import { parentPort, workerData } from "node:worker_threads";
import { choosePorts } from "../../src/worker/open-ports.ts";

const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer);
const ports = choosePorts(workerData).open({ bytes, place: () => 0, accept() {} });
const { port } = await ports.bind("127.0.0.1", 0);
setInterval(() => ports.poll(), 1);
parentPort?.postMessage(port);
