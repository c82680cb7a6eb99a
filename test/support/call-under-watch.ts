/**
 * One call through a core, of which every octet of audio is compared: a far end speaks, the core relays it between two
 * of its legs, another far end hears it. Both far ends are legs of a second core, so that SRTP and RTCP are real; the
 * hearing one hands what it hears to one more leg, whose plain RTP shows the octets.
 */
import { readFileSync } from "node:fs";
import { parseAddress } from "../../src/media/address.ts";
import type { DatagramView } from "../../src/media/datagram-view.ts";
import type { LegOptions } from "../../src/media/leg-options.ts";
import type { MediaCore } from "../../src/media/media-core.ts";

const GATEWAY = parseAddress("127.0.0.2");
const FAR = parseAddress("127.0.0.3");
const GATEWAY_PORT = 6000;
const FAR_PORT = 7000;
const remoteFar: LegOptions = { remoteRtp: { address: "127.0.0.3", port: FAR_PORT } };
const remoteGateway: LegOptions = { remoteRtp: { address: "127.0.0.2", port: GATEWAY_PORT } };
/** Octets of one turn of the tune: a prime, so that no two packets of a minute are alike. */
const TUNE_OCTETS = 7919;
const SILENCE = 0xff;
const HARM_MAX = 10;

const vector = (name: string) => new URL(`../vectors/g711/${name}`, import.meta.url);
const ULAW_OF = readFileSync(vector("pcmu-encode-65536.bin"));
const ALAW_OF = readFileSync(vector("pcma-encode-65536.bin"));
const decodeOf = (name: string) => (JSON.parse(readFileSync(vector(name), "utf8")) as { decode: number[] }).decode;
const ULAW_SAMPLES = decodeOf("pcmu-decode.json");
const ALAW_SAMPLES = decodeOf("pcma-decode.json");

/** What is left of a mu-law octet that went through A-law. */
function throughAlaw(code: number): number {
  return ULAW_OF[ALAW_SAMPLES[ALAW_OF[ULAW_SAMPLES[code]! + 32_768]!]! + 32_768]!;
}

export class CallUnderWatch {
  /** Legs of the core under test. */
  readonly legs: readonly [number, number];
  /** Octets of audio that were heard and right. */
  audioOctets = 0;
  readonly harm: string[] = [];
  readonly #core: MediaCore;
  readonly #far: MediaCore;
  readonly #speaker: number;
  readonly #listener: number;
  /** Sends what the listener hears, in clear. */
  readonly #witness: number;
  readonly #spoken: Uint8Array;
  readonly #heard: Uint8Array;
  #spokenAt = 0;
  #heardAt = -1;
  #lastSequence = -1;

  /** @param near - of the leg towards the speaker @param away - of the leg towards the listener; mu-law if it says nothing */
  constructor(core: MediaCore, far: MediaCore, near: LegOptions, away: LegOptions) {
    this.#core = core;
    this.#far = far;
    this.legs = [core.openLeg({ ...remoteFar, ...near }, 0), core.openLeg({ ...remoteFar, ...away }, 0)];
    core.bridge(this.legs[0], this.legs[1], 0);
    this.#speaker = far.openLeg({ ...remoteGateway, ...mirrored(near) }, 0);
    this.#listener = far.openLeg({ ...remoteGateway, ...mirrored(away), sending: false }, 0);
    this.#witness = far.openLeg(remoteGateway, 0);
    far.bridge(this.#listener, this.#witness, 0);
    // Silence and what A-law makes of it are left out, so that they are known for what they are.
    this.#spoken = Uint8Array.from({ length: TUNE_OCTETS }, (_, i) => (Math.imul(i + 7, 0x9e37_79b1) >>> 9) & 0x3f);
    this.#heard = near.codec === "PCMA" ? this.#spoken.map(throughAlaw) : this.#spoken;
  }

  /** True for the legs of this call in either core. */
  owns(core: MediaCore, leg: number): boolean {
    if (core === this.#core) return this.legs.includes(leg);
    return leg === this.#speaker || leg === this.#listener || leg === this.#witness;
  }

  /** Keeps the speaker supplied. */
  speak(): void {
    while (this.#far.playbackRoom(this.#speaker) > 0) {
      const written = this.#far.playbackWrite(this.#speaker, this.#spoken, this.#spokenAt, TUNE_OCTETS);
      this.#spokenAt = (this.#spokenAt + written) % TUNE_OCTETS;
    }
  }

  /** Takes a datagram to the leg at its other end. */
  deliver(from: MediaCore, datagram: DatagramView): void {
    const { leg, component, bytes, offset, length } = datagram;
    if (from === this.#core) {
      const to = leg === this.legs[0] ? this.#speaker : this.#listener;
      this.#push(this.#far, to, component, bytes.subarray(offset, offset + length), GATEWAY, GATEWAY_PORT);
    } else if (leg === this.#witness) {
      if (component === 0) this.#hear(bytes.subarray(offset, offset + length));
    } else {
      const to = leg === this.#speaker ? this.legs[0] : this.legs[1];
      this.#push(this.#core, to, component, bytes.subarray(offset, offset + length), FAR, FAR_PORT);
    }
  }

  #push(to: MediaCore, leg: number, component: 0 | 1, bytes: Uint8Array, source: typeof FAR, port: number): void {
    if (!to.pushDatagram(leg, component, bytes, bytes.length, source, port + component)) throw new Error("no room");
  }

  #hear(packet: Uint8Array): void {
    const sequence = (packet[2]! << 8) | packet[3]!;
    if (this.#lastSequence >= 0 && sequence !== ((this.#lastSequence + 1) & 0xffff))
      this.#complain(`sequence ${sequence} behind ${this.#lastSequence}`);
    this.#lastSequence = sequence;
    for (let i = 12; i < packet.length; i++) {
      const octet = packet[i]!;
      if (this.#heardAt < 0) {
        if (octet === SILENCE) continue;
        this.#heardAt = 0;
      }
      if (octet !== this.#heard[this.#heardAt]) this.#complain(`octet ${this.audioOctets} is ${octet}`);
      else this.audioOctets++;
      this.#heardAt = (this.#heardAt + 1) % TUNE_OCTETS;
    }
  }

  #complain(what: string): void {
    if (this.harm.length < HARM_MAX) this.harm.push(`call of legs ${this.legs.join(" and ")}: ${what}`);
  }
}

/** What the far end of a leg has to be told: the keys the other way round. */
function mirrored({ codec, srtpSend, srtpReceive }: LegOptions): LegOptions {
  return {
    ...(codec === undefined ? {} : { codec }),
    ...(srtpReceive === undefined ? {} : { srtpSend: srtpReceive }),
    ...(srtpSend === undefined ? {} : { srtpReceive: srtpSend }),
  };
}
