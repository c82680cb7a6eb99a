/**
 * Which audio stream of a description is used, and with which formats and key (SDP-4, SDP-5, SDP-13): the first line that
 * passes every check. When none does, the refusal names what the first audio line lacked.
 */

import { acceptableCrypto, type CryptoAttribute } from "./crypto-attribute.ts";
import { cryptoValues, remoteRtpOf, type SocketAddress } from "./media-attributes.ts";
import {
  type AudioCodec,
  describeFormats,
  isAudioCodec,
  type PayloadFormat,
  usableFormats,
} from "./payload-formats.ts";
import { SdpRefusal } from "./refusal.ts";
import type { MediaDescription, SessionDescription } from "./session.ts";

/** SRTP: not spoken, demanded, or taken when offered. */
export type Security = "none" | "required" | "optional";

/** What the choice depends on. */
export interface ChoiceRules {
  readonly security: Security;
  /** Default both laws. */
  readonly codecs?: readonly AudioCodec[];
  /** Our own address: theirs has to be of the same family. */
  readonly address: string;
}

export interface ChosenAudio {
  /** Position among the m= lines. */
  readonly index: number;
  /** Formats that both have, in their order. */
  readonly formats: readonly PayloadFormat[];
  /** Where RTP goes; null for c=0.0.0.0. */
  readonly rtp: SocketAddress | null;
  /** Their key line, or null for plain RTP. */
  readonly crypto: CryptoAttribute | null;
}

/** Profiles that we know (SDP-13); feedback of the F profiles is ignored. */
const PROFILES: ReadonlyMap<string, "plain" | "secure"> = new Map([
  ["RTP/AVP", "plain"],
  ["RTP/AVPF", "plain"],
  ["RTP/SAVP", "secure"],
  ["RTP/SAVPF", "secure"],
]);

/** @throws SdpRefusal when no line can be used */
export function chooseAudio(session: SessionDescription, rules: ChoiceRules): ChosenAudio {
  let firstRefusal: SdpRefusal | undefined;
  let firstPlain: ChosenAudio | undefined;
  for (const [index, media] of session.media.entries()) {
    if (media.kind !== "audio" || media.port === 0) continue;
    const result = assess(session, media, index, rules);
    if (result instanceof SdpRefusal) firstRefusal ??= result;
    // Where both are allowed, the protected stream is the better one, wherever it stands.
    else if (result.crypto !== null || rules.security !== "optional") return result;
    else firstPlain ??= result;
  }
  if (firstPlain !== undefined) return firstPlain;
  throw (
    firstRefusal ??
    new SdpRefusal("no-audio", `no audio stream among ${session.media.length} m= lines (${kindsOf(session)})`)
  );
}

function assess(
  session: SessionDescription,
  media: MediaDescription,
  index: number,
  rules: ChoiceRules,
): ChosenAudio | SdpRefusal {
  const codecs: readonly AudioCodec[] = rules.codecs ?? ["PCMU", "PCMA"];
  const formats = usableFormats(media).filter((format) => !isAudioCodec(format) || codecs.includes(format.name));
  if (!formats.some(isAudioCodec))
    return new SdpRefusal(
      "no-codec",
      `codecs ${describeFormats(media)} were offered, supported are ${codecs.join(", ")}`,
    );

  const profile = PROFILES.get(media.protocol.toUpperCase());
  if (profile === undefined)
    return new SdpRefusal(
      rules.security === "required" ? "srtp-required" : "unsupported-profile",
      `profile ${media.protocol.slice(0, 32)} was offered, supported are RTP/AVP and RTP/SAVP with SDES keys`,
    );
  if (profile === "plain" && rules.security === "required")
    return new SdpRefusal("srtp-required", `${media.protocol} was offered, this trunk takes only RTP/SAVP`);
  if (profile === "secure" && rules.security === "none")
    return new SdpRefusal(
      "srtp-not-enabled",
      `${media.protocol} was offered, this trunk is not secure and takes only RTP/AVP`,
    );

  let crypto: CryptoAttribute | null = null;
  // `a=crypto` in a plain profile means nothing (SDP-14).
  if (profile === "secure") {
    const { acceptable, refused } = acceptableCrypto(cryptoValues(media));
    crypto = acceptable[0] ?? null;
    if (crypto === null)
      return new SdpRefusal(
        "no-acceptable-crypto",
        refused.length === 0
          ? "RTP/SAVP was offered without a crypto line"
          : `no crypto line can be used: ${refused.slice(0, 4).join("; ")}`,
      );
  }
  try {
    return { index, formats, rtp: remoteRtpOf(media, session, rules.address), crypto };
  } catch (error) {
    if (error instanceof SdpRefusal) return error;
    throw error;
  }
}

function kindsOf(session: SessionDescription): string {
  return session.media.map((media) => `${media.kind.slice(0, 16)} port ${media.port}`).join(", ");
}
