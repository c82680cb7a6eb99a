/**
 * hardening R9: whatever lengths and contents the module's functions are given, none traps and none writes beside the places
 * that it was given. Pointers are right, since only this package makes them; all else is drawn at random.
 */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/seeded-random.ts";
import { loadWasm } from "../support/wasm.ts";

const ROUNDS = 150;
const PLACE_BYTES = 64 * 1024;
const GUARD_BYTES = 64;
const GUARD = 0xa5;
const NEVER_TOUCHED = ["source", "other", "target", "state"] as const;

const wasm = loadWasm();
const draw = seededRandom(20_260);
const below = (limit: number) => Math.floor(draw() * limit);
const word = () => below(2 ** 32) | 0;
/** Of octets or characters. */
const length = () => (below(4) === 0 ? below(40) : below(2049));
const small = () => below(80) - 8;

const places = Object.fromEntries(
  NEVER_TOUCHED.map((name) => {
    const before = wasm.reserve(GUARD_BYTES + PLACE_BYTES + GUARD_BYTES);
    return [name, before + GUARD_BYTES];
  }),
) as Record<(typeof NEVER_TOUCHED)[number], number>;
const { source, other, target, state } = places;

function scramble(at: number, octets: number): void {
  const bytes = wasm.octets();
  for (let i = 0; i < octets; i++) bytes[at + i] = below(256);
}

/** Pointers in a row of 32-bit words. */
function record(at: number, ...words: number[]): number {
  words.forEach((value, i) => wasm.writeI32(at + 4 * i, value));
  return at;
}

/** Before the functions of a state may be called. */
const open = {
  srtp: () => wasm.call.srtpOpen!(state, source, below(2) === 0 ? 10 : 4),
  jitter: () => wasm.call.jitterReset!(state, below(300)),
  digits: () => wasm.call.dtmfReset!(state),
  template: () => wasm.call.frameTemplate!(state, source, small()),
};

/** A packet at `other` that a state at `state` has to protect or unprotect. */
const item = () => record(target, state, other, length(), 0);

/** How each function is called. What begins with `engine` is called below. */
const CALLS: Record<string, () => unknown> = {
  ...Object.fromEntries(
    ["ulawEncode", "alawEncode", "ulawDecode", "alawDecode", "ulawToAlaw", "alawToUlaw"].map((name) => [
      name,
      () => wasm.call[name]!(source, target, length()),
    ]),
  ),
  base64Encode: () => wasm.call.base64Encode!(source, length(), target),
  base64Decode: () => wasm.call.base64Decode!(source, length(), target),
  frameTemplate: () => wasm.call.frameTemplate!(target, source, word()),
  writeMediaText: () => {
    open.template();
    return wasm.call.writeMediaText!(state, below(3), word(), word(), word(), source, length(), target);
  },
  writeMediaFrame: () => {
    open.template();
    return wasm.call.writeMediaFrame!(state, below(3), word(), word(), word(), source, length(), word(), target);
  },
  readMediaPayload: () => wasm.call.readMediaPayload!(source, length(), other, small(), target, length()),
  mixMinus: () => wasm.call.mixMinus!(source, small(), target),
  mixSum: () => wasm.call.mixSum!(source, small(), target),
  mixAdd: () => wasm.call.mixAdd!(source, small(), target),
  mixOutOf: () => wasm.call.mixOutOf!(source, below(2) * other, target),
  g711Energy: () => wasm.call.g711Energy!(source, length(), below(2)),
  toneBegin: () => wasm.call.toneBegin!(state, draw() * 4000, draw() * 4000, -draw() * 40),
  toneWrite: () => {
    wasm.call.toneBegin!(state, draw() * 4000, draw() * 4000, -draw() * 40);
    return wasm.call.toneWrite!(state, target, length());
  },
  dtmfReset: open.digits,
  dtmfReceive: () => {
    open.digits();
    return wasm.call.dtmfReceive!(state, below(65_536), word(), below(2), source, length());
  },
  dtmfSendBegin: () => wasm.call.dtmfSendBegin!(state, word(), word(), word()),
  dtmfSendStep: () => {
    wasm.call.dtmfSendBegin!(state, below(16), word(), word());
    for (let i = 0; i < 20; i++) wasm.call.dtmfSendStep!(state, target);
  },
  dtmfDetectorReset: () => wasm.call.dtmfDetectorReset!(state),
  dtmfDetect: () => {
    wasm.call.dtmfDetectorReset!(state);
    for (let i = 0; i < 8; i++) wasm.call.dtmfDetect!(state, source + 320 * i);
  },
  dtmfDetectSilence: () => {
    wasm.call.dtmfDetectorReset!(state);
    wasm.call.dtmfDetect!(state, source);
    return wasm.call.dtmfDetectSilence!(state);
  },
  dtxReset: () => wasm.call.dtxReset!(state),
  dtxStep: () => {
    wasm.call.dtxReset!(state);
    for (let i = 0; i < 4; i++) wasm.call.dtxStep!(state, source + 160 * i, small(), target);
  },
  jitterReset: open.jitter,
  jitterInsert: () => {
    open.jitter();
    playJitter();
  },
  jitterTake: () => wasm.call.jitterTake!(state, target, below(100_000)),
  jitterComfortNoise: () => wasm.call.jitterComfortNoise!(state, below(65_536), word(), source, length()),
  aesExpandKey: () => wasm.call.aesExpandKey!(target, source),
  aesEncrypt: () => wasm.call.aesEncrypt!(source, other, target),
  aesCmOpen: () => wasm.call.aesCmOpen!(state, source),
  aesCm: () => {
    wasm.call.aesCmOpen!(state, source);
    return wasm.call.aesCm!(state, ivAt(other), target, length());
  },
  aesCmGroup: () => {
    wasm.call.aesCmOpen!(state, source);
    const count = 1 + below(4);
    for (let i = 0; i < count; i++)
      record(other + 32 * i, state, target + 4096 * i, length() >> 1, 0, word(), word(), word(), 0);
    return wasm.call.aesCmGroup!(other, count);
  },
  hmacSha1Open: () => wasm.call.hmacSha1Open!(state, source, below(65)),
  hmacSha1: () => {
    wasm.call.hmacSha1Open!(state, source, below(65));
    return wasm.call.hmacSha1!(state, other, length(), target);
  },
  hmacSha1Group: () => {
    wasm.call.hmacSha1Open!(state, source, 20);
    const octets = length();
    const count = 1 + below(4);
    for (let i = 0; i < count; i++) record(other + 40 * i, state, target + 4096 * i, octets);
    return wasm.call.hmacSha1Group!(other, count);
  },
  sha1: () => wasm.call.sha1!(source, length(), target),
  srtpDeriveKey: () => wasm.call.srtpDeriveKey!(source, below(6), target, 1 + below(20)),
  srtpOpen: open.srtp,
  srtpWipe: () => wasm.call.srtpWipe!(state),
  srtpRoc: () => {
    open.srtp();
    return wasm.call.srtpRoc!(state, word());
  },
  srtpSources: () => {
    open.srtp();
    return wasm.call.srtpSources!(state);
  },
  srtpResume: () => {
    open.srtp();
    for (let i = 0; i < 6; i++) wasm.call.srtpResume!(state, word(), word(), below(65_536), word());
  },
  ...Object.fromEntries(
    ["srtpProtectRtp", "srtpUnprotectRtp"].map((name) => [
      name,
      () => {
        open.srtp();
        return wasm.call[name]!(item(), 1);
      },
    ]),
  ),
  ...Object.fromEntries(
    ["srtpProtectRtcp", "srtpUnprotectRtcp"].map((name) => [
      name,
      () => {
        open.srtp();
        return wasm.call[name]!(state, other, length());
      },
    ]),
  ),
};

/** The counter is the last octet of the block. */
function ivAt(place: number): number {
  wasm.octets()[place + 15] = 0;
  return place;
}

function playJitter(): void {
  let nowMs = below(1_000_000);
  for (let i = 0; i < 40; i++) {
    nowMs += below(60);
    const near = below(10) > 0;
    const sequence = near ? i : below(65_536);
    const timestamp = near ? 160 * i : word();
    if (below(8) === 0) wasm.call.jitterComfortNoise!(state, sequence, timestamp, source, length());
    else wasm.call.jitterInsert!(state, sequence, timestamp, source, length(), below(2), below(2), nowMs);
    if (below(2) === 0) wasm.call.jitterTake!(state, target, nowMs);
  }
}

/** What a state is asked for in one word. */
const READERS = /^jitter(?!Insert$|Take$|Reset$|ComfortNoise$)/;

const functions = Object.keys(wasm.exports).filter((name) => typeof wasm.exports[name] === "function");
// What begins with two underscores belongs to the loader, not to the module.
const kernels = functions.filter((name) => !name.startsWith("engine") && !name.startsWith("__"));

describe("every function of the module", () => {
  const callOf = (name: string) => CALLS[name] ?? (READERS.test(name) ? () => wasm.call[name]!(state) : undefined);
  it("is written down above with the way to call it", () => {
    expect(kernels.filter((name) => callOf(name) === undefined)).toEqual([]);
  });

  it.each(kernels.filter((name) => callOf(name) !== undefined))("%s", (name) => {
    const call = callOf(name);
    const bytes = wasm.octets();
    for (const at of Object.values(places)) {
      bytes.fill(GUARD, at - GUARD_BYTES, at);
      bytes.fill(GUARD, at + PLACE_BYTES, at + PLACE_BYTES + GUARD_BYTES);
    }
    for (let round = 0; round < ROUNDS; round++) {
      scramble(source, 4096);
      scramble(other, 2200);
      if (name.startsWith("jitter")) open.jitter();
      call!();
    }
    for (const at of Object.values(places)) {
      const isWhole = (from: number) => wasm.read(from, GUARD_BYTES).every((octet) => octet === GUARD);
      expect(isWhole(at - GUARD_BYTES) && isWhole(at + PLACE_BYTES)).toBe(true);
    }
  });

  it("those of the engine, with numbers of legs, streams and conferences that there are not, too", () => {
    const engine = loadWasm();
    const directory = engine.call.engineInit!(8, 8, 2);
    expect(directory).toBeGreaterThan(0);
    const place = (name: string) => engine.readI32(directory + engine.constant(`DIRECTORY_${name}`));
    const control = place("CONTROL");
    const input = place("INPUT");
    const entries = place("INPUT_ENTRIES");
    const memoryBytes = engine.octets().length;
    const slot = () => (below(4) === 0 ? word() : below(10) - 1);
    let nowMs = 0;
    const names = functions.filter((name) => name.startsWith("engine") && name !== "engineInit");
    for (let round = 0; round < 20_000; round++) {
      nowMs += below(8);
      // As the owner does before each call: randomness, and what has been fetched is forgotten.
      engine.writeI32(place("STATE") + engine.constant("STATE_RANDOM_USED"), 0);
      if (below(8) === 0)
        for (const count of ["OUT", "FRAME", "EVENT"])
          engine.writeI32(place("STATE") + engine.constant(`STATE_${count}_COUNT`), 0);
      const name = names[below(names.length)]!;
      const bytes = engine.octets();
      if (name === "engineReceive") {
        engine.writeI32(place("STATE") + engine.constant("STATE_RECEIVE_CURSOR"), 0);
        const stride = engine.constant("INPUT_ENTRY_BYTES");
        for (let i = 0; i < 4; i++) {
          const at = entries + i * stride;
          for (let field = 0; field < stride; field += 4) engine.writeI32(at + field, below(20) === 0 ? word() : 0);
          engine.writeI32(at + engine.constant("INPUT_LEG"), slot());
          engine.writeI32(at + engine.constant("INPUT_LENGTH"), below(50) === 0 ? word() : length());
          for (let octet = 0; octet < 64; octet++)
            bytes[input + i * engine.constant("INPUT_STRIDE") + octet] = below(256);
          bytes[input + i * engine.constant("INPUT_STRIDE")] = 0x80;
        }
        engine.call[name]!(below(6) - 1, nowMs);
        continue;
      }
      bytes.fill(0, control, control + engine.constant("CONFIG_BYTES"));
      engine.writeI32(control + engine.constant("CONFIG_PTIME_MS"), 10 * (1 + below(6)));
      engine.writeI32(control + engine.constant("CONFIG_FLAGS"), below(16));
      engine.writeI32(control + engine.constant("CONFIG_RTP_PORT"), below(2) * 4000);
      // Times are the last of a function's arguments, all others slots, lengths and small numbers.
      const takesTime = /OpenLeg|ConfigureLeg|CloseLeg|Bridge|Unbridge|Tick|OpenStream|WallClock/.test(name);
      const count = (engine.exports[name] as { length: number }).length;
      const args = Array.from({ length: count }, (_, i) =>
        takesTime && i === count - 1 ? nowMs : i === 0 ? slot() : small(),
      );
      engine.call[name]!(...args);
    }
    expect(engine.octets().length).toBe(memoryBytes);
  });
});
