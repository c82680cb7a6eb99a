/** rtpengine as a media proxy, driven by its ng protocol: RTP on one side, SRTP by its own implementation on the other. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ng } from "../peers/media/rtpengine-ng.mjs";
import { until } from "./gateway.ts";
import { Peer } from "./peers.ts";

const CONTROL_PORT = 2223;

/** Rewrites the SDP of one call on its way past the proxy. */
export interface MediaProxy {
  offer(sdp: string): Promise<string>;
  answer(sdp: string): Promise<string>;
}

export class Rtpengine {
  readonly peer: Peer;
  readonly #address: string;
  #calls = 0;

  private constructor(address: string, folder: string) {
    this.#address = address;
    mkdirSync(folder, { recursive: true });
    this.peer = new Peer(
      "rtpengine",
      [
        "--foreground",
        "--log-stderr",
        "--table=-1",
        `--interface=${address}`,
        `--listen-ng=${address}:${CONTROL_PORT}`,
        // Several threads change the order of packets now and then.
        "--num-threads=1",
        "--port-min=30000",
        "--port-max=32000",
        `--pidfile=${join(folder, "rtpengine.pid")}`,
      ],
      folder,
    );
  }

  static async start(address: string, folder: string): Promise<Rtpengine> {
    const engine = new Rtpengine(address, folder);
    await until(() => {
      if (engine.peer.ended) throw new Error(`rtpengine ended: ${engine.peer.stderr}`);
      return engine.peer.stderr.includes("Startup complete");
    }, "a running rtpengine");
    return engine;
  }

  /** A new call in it. @param towards - profile that the offer leaves with; the answer gets that of the offer again */
  call(towards: "RTP/SAVP" | "RTP/AVP"): MediaProxy {
    const ids = { "call-id": `call-${++this.#calls}`, "from-tag": "offerer" };
    // RTP comes from where the SDP says; DTLS and ICE are not offered.
    const options = { ...ids, DTLS: "off", ICE: "remove", replace: ["origin", "session-connection"] };
    const ask = async (command: object): Promise<string> => {
      const reply = await ng(CONTROL_PORT, this.#address, command);
      if (reply.result !== "ok") throw new Error(`rtpengine: ${JSON.stringify(reply)}`);
      return reply.sdp;
    };
    return {
      offer: (sdp) => ask({ ...options, command: "offer", sdp, "transport-protocol": towards }),
      answer: (sdp) => ask({ ...options, command: "answer", "to-tag": "answerer", sdp }),
    };
  }

  async stop(): Promise<void> {
    await this.peer.stop("SIGTERM");
  }
}
