/** The SRTP of npm werift-rtp: sessions with index guess, as a WebRTC stack in JavaScript has them. */
import { ProtectionProfileAes128CmHmacSha1_80, RtpHeader, SrtpSession } from "werift-rtp";
import type { Candidate } from "../../harness/suite.ts";
import { CONTEXTS, expectEqual, keySaltOf, PROBES, plainPacket, protectedPacket, Rounds, SLICE } from "./fixture.ts";

const SEQUENCE = 7;

function sessions(): SrtpSession[] {
  return Array.from({ length: CONTEXTS }, (_, i) => {
    const masterKey = keySaltOf(i).subarray(0, 16);
    const masterSalt = keySaltOf(i).subarray(16);
    const keys = {
      localMasterKey: masterKey,
      localMasterSalt: masterSalt,
      remoteMasterKey: masterKey,
      remoteMasterSalt: masterSalt,
    };
    return new SrtpSession({ keys, profile: ProtectionProfileAes128CmHmacSha1_80 });
  });
}

export function weriftProtect(): Candidate {
  const all = sessions();
  const plain = all.map((_, i) => plainPacket(i, SEQUENCE));
  const headers = plain.map((packet) => RtpHeader.deSerialize(packet));
  const payloads = plain.map((packet) => packet.subarray(12));
  const out: Buffer[] = [];
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    for (let i = start; i < start + SLICE; i++) out[i] = all[i]!.encrypt(payloads[i]!, headers[i]!);
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      rounds.reset();
      Rounds.whole(call);
      for (const i of PROBES) expectEqual(out[i]!, protectedPacket(i, SEQUENCE), `packet ${i}`);
    },
  };
}

export function weriftUnprotect(): Candidate {
  const all = sessions();
  const whole = all.map((_, i) => protectedPacket(i, SEQUENCE));
  const out: Buffer[] = [];
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    for (let i = start; i < start + SLICE; i++) out[i] = all[i]!.decrypt(whole[i]!);
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      rounds.reset();
      Rounds.whole(call);
      for (let i = 0; i < CONTEXTS; i++) expectEqual(out[i]!, plainPacket(i, SEQUENCE), `packet ${i}`);
    },
  };
}
