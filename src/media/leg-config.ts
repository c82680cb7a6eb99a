/**
 * Checks what a leg is told and writes it into the engine's configuration block. Keys pass through: the engine copies
 * and wipes them, nothing here keeps them.
 */

import { type AddressWords, parseAddress } from "./address.ts";
import { checkFlag, checkInteger, checkObject, wrong } from "./checks.ts";
import type { LegOptions, SocketAddress, SourcePolicy, SrtpKey, SrtpReceiveState } from "./leg-options.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** What a leg was told so far, keys left out: the base for updates with absent fields. */
export type LegSettings = Required<Omit<LegOptions, "srtpSend" | "srtpReceive" | "srtpResume" | Received>> &
  Pick<LegOptions, Received>;

/** Numbers that are those that we send with, unless said otherwise. */
type Received = "receivePayloadType" | "telephoneEventReceivePayloadType";

const KEY_SALT_BYTES = 30;
const PORT_MAX = 65_535;

/** A leg that was told nothing. */
const DEFAULTS: LegSettings = {
  codec: "PCMU",
  payloadType: 0,
  alternatePayloadType: -1,
  telephoneEventPayloadType: -1,
  comfortNoisePayloadType: 13,
  ptimeMs: 20,
  remoteRtp: null,
  remoteRtcp: null,
  rtcpMux: false,
  sourcePolicy: "negotiated",
  sending: true,
  receiving: true,
  jitterStartMs: 40,
  detectInbandDtmf: false,
  digitsElsewhere: false,
  sendComfortNoise: false,
  silenceAfterMs: 0,
  silenceThresholdDbov: -45,
  mediaTimeoutMs: 60_000,
};

/**
 * Lays `options` over `known` (default: a new leg).
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function mergeSettings(options: LegOptions, known: LegSettings = DEFAULTS): LegSettings {
  checkObject(options, "options");
  const { srtpSend, srtpReceive, srtpResume, ...rest } = options;
  const told = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as LegOptions;
  const settings = withCodec(told, known);
  checkSettings(settings);
  checkKey(srtpSend, "srtpSend");
  checkKey(srtpReceive, "srtpReceive");
  checkResume(srtpResume);
  return settings;
}

/** Numbers that were said of the codec before say nothing of another one. */
function withCodec(told: LegOptions, known: LegSettings): LegSettings {
  if (told.codec === undefined || told.codec === known.codec) return { ...known, ...told } as LegSettings;
  const { receivePayloadType: _, ...others } = known;
  return { ...others, payloadType: told.codec === "PCMA" ? 8 : 0, ...told } as LegSettings;
}

function checkSettings(settings: LegSettings): void {
  if (settings.codec !== "PCMU" && settings.codec !== "PCMA") wrong("codec", 'either "PCMU" or "PCMA"', settings.codec);
  checkInteger(settings.payloadType, "payloadType", 0, 127);
  if (settings.receivePayloadType !== undefined)
    checkInteger(settings.receivePayloadType, "receivePayloadType", 0, 127);
  checkInteger(settings.alternatePayloadType, "alternatePayloadType", -1, 127);
  checkInteger(settings.telephoneEventPayloadType, "telephoneEventPayloadType", -1, 127);
  checkInteger(settings.comfortNoisePayloadType, "comfortNoisePayloadType", -1, 127);
  if (settings.telephoneEventReceivePayloadType !== undefined)
    checkInteger(settings.telephoneEventReceivePayloadType, "telephoneEventReceivePayloadType", -1, 127);
  checkInteger(settings.ptimeMs, "ptimeMs", 10, 60);
  if (settings.ptimeMs % 10 !== 0) wrong("ptimeMs", "a multiple of 10", settings.ptimeMs);
  checkInteger(settings.jitterStartMs, "jitterStartMs", 0, 200);
  checkInteger(settings.silenceAfterMs, "silenceAfterMs", 0, 86_400_000);
  checkInteger(settings.silenceThresholdDbov, "silenceThresholdDbov", -127, 0);
  checkInteger(settings.mediaTimeoutMs, "mediaTimeoutMs", 0, 86_400_000);
  for (const name of [
    "rtcpMux",
    "sending",
    "receiving",
    "detectInbandDtmf",
    "digitsElsewhere",
    "sendComfortNoise",
  ] as const)
    checkFlag(settings[name], name);
  if (!["negotiated", "address", "latch"].includes(settings.sourcePolicy))
    wrong("sourcePolicy", '"negotiated", "address" or "latch"', settings.sourcePolicy);
  checkRemote(settings.remoteRtp, "remoteRtp");
  checkRemote(settings.remoteRtcp, "remoteRtcp");
}

function checkRemote(remote: SocketAddress | null, name: string): void {
  if (remote === null) return;
  if (typeof remote !== "object" || typeof remote.address !== "string")
    throw new TypeError(`${name} must be null or have an address and a port`);
  checkInteger(remote.port, `${name}.port`, 1, PORT_MAX);
  parseAddress(remote.address, `${name}.address`);
}

function checkResume(state: SrtpReceiveState | null | undefined): void {
  if (state === null || state === undefined) return;
  checkObject(state, "srtpResume");
  checkInteger(state.ssrc, "srtpResume.ssrc", 0, 2 ** 32 - 1);
  checkInteger(state.rolloverCounter, "srtpResume.rolloverCounter", 0, 2 ** 31 - 1);
  checkInteger(state.sequenceNumber, "srtpResume.sequenceNumber", 0, 65_535);
  checkInteger(state.rtcpIndex, "srtpResume.rtcpIndex", 0, 2 ** 31 - 1);
}

/** @throws TypeError or RangeError naming what is wrong with the key */
export function checkKey(key: SrtpKey | null | undefined, name: string): void {
  if (key === null || key === undefined) return;
  tagBytesOf(key, name);
  if (!(key.keySalt instanceof Uint8Array)) throw new TypeError(`${name}.keySalt must be a Uint8Array`);
  if (key.keySalt.length !== KEY_SALT_BYTES)
    throw new RangeError(`${name}.keySalt must have ${KEY_SALT_BYTES} octets, not ${key.keySalt.length}`);
}

/** Octets of the RTP tag (RFC 4568 §6.2). @throws RangeError for another suite */
export function tagBytesOf(key: SrtpKey, name: string): number {
  if (key.suite === "AES_CM_128_HMAC_SHA1_80") return 10;
  if (key.suite === "AES_CM_128_HMAC_SHA1_32") return 4;
  throw new RangeError(`${name}.suite is not one of the suites of RFC 4568 6.2`);
}

/** Writes configuration blocks. */
export class LegConfigWriter {
  readonly #engine: WasmEngine;
  readonly #control: number;

  constructor(engine: WasmEngine) {
    this.#engine = engine;
    this.#control = engine.place("CONTROL");
  }

  /** Fills the block with `settings` and the keys of `options`; what `options` leaves out of the keys is kept. */
  write(settings: LegSettings, options: LegOptions): void {
    const { codec } = settings;
    const eventSend = settings.telephoneEventPayloadType;
    this.#put("LAW", this.#engine.number(codec === "PCMA" ? "LAW_ALAW" : "LAW_ULAW"));
    this.#put("PAYLOAD_TYPE", settings.payloadType);
    this.#put("RECEIVE_PAYLOAD_TYPE", settings.receivePayloadType ?? settings.payloadType);
    this.#put("ALTERNATE_PAYLOAD_TYPE", settings.alternatePayloadType);
    this.#put("EVENT_SEND_PAYLOAD_TYPE", eventSend);
    this.#put("EVENT_RECEIVE_PAYLOAD_TYPE", settings.telephoneEventReceivePayloadType ?? eventSend);
    this.#put("COMFORT_NOISE_PAYLOAD_TYPE", settings.comfortNoisePayloadType);
    this.#put("PTIME_MS", settings.ptimeMs);
    this.#put("FLAGS", this.#flags(settings, options));
    this.#put("SOURCE_POLICY", this.#policy(settings.sourcePolicy));
    this.#put("JITTER_START_MS", settings.jitterStartMs);
    this.#put("MEDIA_TIMEOUT_MS", settings.mediaTimeoutMs);
    this.#put("SILENCE_AFTER_MS", settings.silenceAfterMs);
    this.#put("SILENCE_DBOV", settings.silenceThresholdDbov);
    const rtcp = rtcpRemote(settings);
    this.#put("RTP_PORT", settings.remoteRtp?.port ?? 0);
    this.#put("RTCP_PORT", rtcp?.port ?? 0);
    this.#putAddress("RTP_ADDRESS", settings.remoteRtp);
    this.#putAddress("RTCP_ADDRESS", rtcp);
    this.#putKey("SEND", options.srtpSend);
    this.#putKey("RECEIVE", options.srtpReceive);
    const { srtpResume } = options;
    this.#put("SRTP_RESUME", srtpResume ? 1 : 0);
    this.#put("SRTP_SSRC", srtpResume?.ssrc ?? 0);
    this.#put("SRTP_ROC", srtpResume?.rolloverCounter ?? 0);
    this.#put("SRTP_HIGHEST", srtpResume?.sequenceNumber ?? 0);
    this.#put("SRTP_RTCP_INDEX", srtpResume?.rtcpIndex ?? 0);
  }

  #flags(settings: LegSettings, options: LegOptions): number {
    const flag = (name: string, set: boolean): number => (set ? this.#engine.number(`FLAG_${name}`) : 0);
    return (
      flag("SENDING", settings.sending) |
      flag("RECEIVING", settings.receiving) |
      flag("RTCP_MUX", settings.rtcpMux) |
      flag("DETECT_DTMF", settings.detectInbandDtmf) |
      flag("DIGITS_ELSEWHERE", settings.digitsElsewhere) |
      flag("COMFORT_NOISE", settings.sendComfortNoise) |
      flag("RENEGOTIATED", options.remoteRtp !== undefined)
    );
  }

  #policy(policy: SourcePolicy): number {
    return this.#engine.number(`SOURCE_${policy.toUpperCase()}`);
  }

  #put(name: string, value: number): void {
    this.#engine.words[(this.#control + this.#engine.number(`CONFIG_${name}`)) >> 2] = value;
  }

  #putAddress(name: string, remote: SocketAddress | null): void {
    const words: AddressWords = remote ? parseAddress(remote.address) : { word0: 0, word1: 0, word2: 0, word3: 0 };
    const at = (this.#control + this.#engine.number(`CONFIG_${name}`)) >> 2;
    this.#engine.words.set([words.word0, words.word1, words.word2, words.word3], at);
  }

  #putKey(direction: "SEND" | "RECEIVE", key: SrtpKey | null | undefined): void {
    const engine = this.#engine;
    const at = this.#control + engine.number(`CONFIG_${direction}_KEY`);
    if (key) engine.bytes.set(key.keySalt, at);
    const tagBytes =
      key === undefined ? engine.number("KEY_KEEP") : key === null ? engine.number("KEY_NONE") : tagBytesOf(key, "key");
    this.#put(`${direction}_TAG_BYTES`, tagBytes);
  }
}

/** RTCP goes to the port after RTP's, or with RTP, unless a place was named (RFC 3550 §11, RFC 3605, RFC 5761). */
function rtcpRemote(settings: LegSettings): SocketAddress | null {
  const { remoteRtp, remoteRtcp, rtcpMux } = settings;
  if (remoteRtp === null) return null;
  if (rtcpMux) return remoteRtp;
  if (remoteRtcp !== null) return remoteRtcp;
  return remoteRtp.port < PORT_MAX ? { address: remoteRtp.address, port: remoteRtp.port + 1 } : null;
}
