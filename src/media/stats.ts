/** Counters of one leg, decoded from the block that the engine fills. */

import type { DropReason, LegStats } from "./media-events.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** Which status of the engine stands for which reason. */
const STATUS_OF_REASON: Readonly<Record<DropReason, string>> = {
  "too-short": "TOO_SHORT",
  "too-long": "TOO_LONG",
  "not-rtp": "NOT_RTP",
  malformed: "MALFORMED",
  "auth-failed": "AUTH_FAILED",
  replayed: "REPLAYED",
  "ssrc-limit": "SSRC_LIMIT",
  "payload-type": "PAYLOAD_TYPE",
  "wrong-source": "WRONG_SOURCE",
  duplicate: "DUPLICATE",
  late: "LATE",
  "not-receiving": "NOT_RECEIVING",
  stun: "STUN",
  dtls: "DTLS",
};

/** Reads the statistics block; `engineStats` has just filled it. */
export function readStats(engine: WasmEngine): LegStats {
  const control = engine.place("CONTROL");
  const word = (name: string): number => engine.words[(control + engine.number(`STATS_${name}`)) >> 2]!;
  const float = (name: string): number => engine.floats[(control + engine.number(`STATS_${name}`)) >> 3]!;
  const dropsAt = (control + engine.number("STATS_DROPS")) >> 2;
  const drops = Object.fromEntries(
    Object.entries(STATUS_OF_REASON).map(([reason, status]) => [
      reason,
      engine.words[dropsAt - engine.number(`STATUS_${status}`)]! >>> 0,
    ]),
  ) as Record<DropReason, number>;
  const roundTripMs = float("ROUND_TRIP_MS");
  return {
    packetsReceived: word("PACKETS_RECEIVED") >>> 0,
    octetsReceived: float("OCTETS_RECEIVED"),
    packetsSent: word("PACKETS_SENT") >>> 0,
    octetsSent: float("OCTETS_SENT"),
    packetsLost: word("PACKETS_LOST"),
    packetsLate: drops.late,
    packetsDuplicate: drops.duplicate + drops.replayed,
    framesConcealed: word("FRAMES_CONCEALED") >>> 0,
    jitterMs: float("JITTER_MS"),
    roundTripMs: roundTripMs < 0 ? null : roundTripMs,
    drops,
  };
}
