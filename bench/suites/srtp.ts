/** SRTP, AES_CM_128_HMAC_SHA1_80: what it costs to protect or unprotect one packet of 20 ms of G.711. */
import { nativeProgram } from "../harness/native.ts";
import type { NativeCandidate, NativeReport, Row, Skip, Suite } from "../harness/suite.ts";
import { CONTEXTS, expectEqual, PROBES, protectedPacket } from "./srtp/fixture.ts";
import { keyObjectRoad, longLivedRoad, protecting, unprotecting } from "./srtp/node-crypto.ts";
import { tandemProtect, tandemUnprotect } from "./srtp/tandem.ts";
import { weriftProtect, weriftUnprotect } from "./srtp/werift.ts";

type Direction = "protect" | "unprotect";

const COMPARED =
  "RFC 3711 sessions in WebAssembly, index and replay list included, against bare OpenSSL calls, libsrtp2, node:crypto and werift-rtp; 172 octets, 1000 contexts in turn";

/** Packet n of the first round; where there is one context only, it is that one's packet n. */
function checkProbes(report: NativeReport, live = CONTEXTS): void {
  for (const [n, i] of PROBES.entries()) {
    const expected = protectedPacket(i % live, Math.floor(i / live) + 1);
    expectEqual(Buffer.from(report.probes?.[n] ?? "", "hex"), expected, `packet ${i}`);
  }
}

function opensslEvp(direction: Direction, skip: Skip): NativeCandidate | undefined {
  const needs = { header: "openssl/evp.h", package: "libssl-dev" };
  const program = nativeProgram({ name: "srtp-openssl-evp", libraries: ["crypto"], needs }, skip);
  return program === undefined ? undefined : { program, args: [direction], check: (report) => checkProbes(report) };
}

function libsrtp2(direction: Direction, live: number, skip: Skip): NativeCandidate | undefined {
  const needs = { header: "srtp2/srtp.h", package: "libsrtp2-dev" };
  const as = `srtp-libsrtp2-${live}`;
  const program = nativeProgram(
    { name: "srtp-libsrtp2", as, flags: [`-DLIVE=${live}`], libraries: ["srtp2"], needs },
    skip,
  );
  if (program === undefined) return undefined;
  return { program, args: [direction], check: (report) => checkProbes(report, live) };
}

/** Peers that know no batches and are far off, so that one row is enough for them. */
function otherPeers(direction: Direction): Row["peers"] {
  const on = direction === "protect" ? protecting : unprotecting;
  return {
    "libsrtp2-100-sessions": (skip) => libsrtp2(direction, 100, skip),
    "node-crypto-ecb": () => on(longLivedRoad()),
    werift: () => (direction === "protect" ? weriftProtect() : weriftUnprotect()),
  };
}

function row(direction: Direction, batch: number): Row {
  const tandem = direction === "protect" ? tandemProtect : tandemUnprotect;
  const on = direction === "protect" ? protecting : unprotecting;
  return {
    name: `srtp/${direction}-x${batch}`,
    unit: "ns/packet",
    about: `${direction}, ${batch === 1 ? "one packet" : `${batch} packets`} a call: ${COMPARED}`,
    ours: () => tandem(batch),
    peers: {
      ...(batch === 4 ? {} : { "tandem-x4": () => tandem(4) }),
      "openssl-evp": (skip) => opensslEvp(direction, skip),
      "libsrtp2-1-session": (skip) => libsrtp2(direction, 1, skip),
      "node-crypto": () => on(keyObjectRoad()),
      ...(batch === 4 ? otherPeers(direction) : {}),
    },
  };
}

export const suite: Suite = {
  name: "srtp",
  rows: [1, 4, 64].flatMap((batch) => [row("protect", batch), row("unprotect", batch)]),
};
