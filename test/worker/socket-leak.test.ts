import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";

describe("hardening.md 3: a killed worker leaves no socket behind", () => {
  it.each(process.platform === "linux" ? ["dgram", "batched"] : ["dgram"])(
    "%s: the port is free again, and so is every descriptor",
    async (kind) => {
      const openDescriptors = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
      const round = async (): Promise<number> => {
        const thread = new Worker(new URL("./socket-thread.ts", import.meta.url), { workerData: kind });
        const [port] = (await once(thread, "message")) as [number];
        await thread.terminate();
        return port;
      };
      // The first thread loads what stays loaded.
      await round();
      const before = openDescriptors();
      for (let i = 0; i < 3; i++) {
        const port = await round();
        const socket = createSocket("udp4");
        socket.bind({ port, address: "127.0.0.1", exclusive: true });
        await once(socket, "listening");
        socket.close();
        await once(socket, "close");
      }
      expect(openDescriptors()).toBeLessThanOrEqual(before);
    },
  );
});
