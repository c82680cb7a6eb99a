/**
 * A whole gateway with a caller and a carrier made of bare UDP sockets, for tests of calls that must say which octets go over
 * the wire. The caller is let in by its address; what it calls leaves by the carrier's target, or the other way round.
 */

import type { SipMessage, SipRequest, SipResponse } from "../../src/sip/message.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { BASE, startGateway, type TestGateway } from "./gateway.ts";
import { lines, nameOf, ownAddress, reached, UdpPeer } from "./sip-wire.ts";

export const GATEWAY = ownAddress(0);
export const CALLER = ownAddress(1);
export const CARRIER = ownAddress(2);

let counter = 0;

export interface InviteFields {
  readonly to?: string;
  readonly from?: string;
  readonly headers?: readonly string[];
  readonly sdp?: string;
  readonly domain?: string;
  /** URI of To, when it is not the Request-URI. */
  readonly toUri?: string;
  /** Default 70. */
  readonly maxForwards?: number;
}

/** A description of one audio stream that nobody listens to. */
export function sdp(
  address: string,
  changes: {
    readonly port?: number;
    readonly version?: number;
    readonly lines?: readonly string[];
    readonly formats?: string;
    readonly profile?: string;
  } = {},
): string {
  const { port = 40_000, version = 1, formats = "0 101", profile = "RTP/AVP" } = changes;
  const more = changes.lines ?? ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"];
  return `${["v=0", `o=- 77 ${version} IN IP4 ${address}`, "s=-", `c=IN IP4 ${address}`, "t=0 0", `m=audio ${port} ${profile} ${formats}`, ...more].join("\r\n")}\r\n`;
}

/** One end of calls on port 5060 of an address of its own. */
export class WireParty {
  readonly address: string;
  readonly #peer: UdpPeer;
  /** What came and was not taken. */
  readonly #kept: SipMessage[] = [];
  #seen = 0;

  private constructor(address: string, peer: UdpPeer) {
    this.address = address;
    this.#peer = peer;
  }

  static async open(address: string): Promise<WireParty> {
    return new WireParty(address, await UdpPeer.open(address, 5060));
  }

  /** The first message that fits, taken out of what came; repeats of what was taken before are left out. */
  async #take<T extends SipMessage>(fits: (message: SipMessage) => message is T, what: string): Promise<T> {
    let found: T | undefined;
    await reached(
      () => {
        this.#collect();
        found = this.#kept.find(fits);
        return found !== undefined;
      },
      `${what} at ${this.address}; there are ${this.#kept.map(nameOf).join(", ")}`,
    );
    this.#kept.splice(this.#kept.indexOf(found!), 1);
    return found!;
  }

  readonly #keys = new Set<string>();

  #collect(): void {
    for (; this.#seen < this.#peer.received.length; this.#seen++) {
      const message = this.#peer.received[this.#seen]!;
      const branch = message.vias[0]?.params.get("branch");
      const key = `${message.kind} ${nameOf(message)} ${message.callId} ${message.cseq.number} ${branch}`;
      if (this.#keys.has(key)) continue;
      this.#keys.add(key);
      this.#kept.push(message);
    }
  }

  request(method: string): Promise<SipRequest> {
    return this.#take((m): m is SipRequest => m.kind === "request" && m.method === method, method);
  }

  /** True when such a request waits to be taken. */
  hasRequest(method: string): boolean {
    this.#collect();
    return this.#kept.some((message) => message.kind === "request" && message.method === method);
  }

  response(status: number, method?: string): Promise<SipResponse> {
    return this.#take(
      (m): m is SipResponse =>
        m.kind === "response" && m.status === status && (method === undefined || m.cseq.method === method),
      String(status),
    );
  }

  /** Any final answer to a request of that method. */
  final(method = "INVITE", callId?: string): Promise<SipResponse> {
    return this.#take(
      (m): m is SipResponse =>
        m.kind === "response" &&
        m.status >= 200 &&
        m.cseq.method === method &&
        (callId === undefined || m.callId === callId),
      `a final answer to ${method}`,
    );
  }

  /** All that came so far, repeats included, as names. */
  get names(): string[] {
    return this.#peer.received.map(nameOf);
  }

  get received(): readonly SipMessage[] {
    return this.#peer.received;
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.#peer.send(bytes, 5060, GATEWAY);
  }

  /** INVITE to the gateway; the call that is made. */
  async invite(fields: InviteFields = {}): Promise<WireCall> {
    const call = new WireCall(this, fields);
    await call.sendInvite();
    return call;
  }

  /** Answers a request that came. */
  async answer(
    request: SipRequest,
    status: number,
    more: { readonly headers?: readonly string[]; readonly sdp?: string } = {},
  ): Promise<void> {
    const to = serializedHeader(request, "To");
    const body = more.sdp ?? "";
    await this.send(
      lines(
        [
          `SIP/2.0 ${status} Answer`,
          ...serialized(request).filter((line) => /^Via:/i.test(line)),
          ...serialized(request).filter((line) => /^(From|Call-ID|CSeq):/i.test(line)),
          status === 100 || /;tag=/.test(to) ? to : `${to};tag=${this.#tag}`,
          ...(more.headers?.some((line) => /^contact:/i.test(line)) ? [] : [`Contact: <sip:${this.address}:5060>`]),
          ...(more.headers ?? []),
          ...(body === "" ? [] : ["Content-Type: application/sdp"]),
        ],
        body,
      ),
    );
  }

  #sequence = 5000;

  /** A request in the dialog that an INVITE to this party has made. */
  async inDialog(invite: SipRequest, method: string, headers: readonly string[] = [], body = ""): Promise<void> {
    const from = serializedHeader(invite, "To").replace(/^To/, "From");
    const contact = invite.headers.get("Contact")!.replace(/^<|>.*$/g, "");
    await this.send(
      lines(
        [
          `${method} ${contact} SIP/2.0`,
          `Via: SIP/2.0/UDP ${this.address}:5060;branch=z9hG4bKwire${++counter}p${process.pid};rport`,
          "Max-Forwards: 70",
          `${from};tag=${this.#tag}`,
          serializedHeader(invite, "From").replace(/^From/, "To"),
          `Call-ID: ${invite.callId}`,
          `CSeq: ${++this.#sequence} ${method}`,
          `Contact: <sip:${this.address}:5060>`,
          ...headers,
        ],
        body,
      ),
    );
  }

  get #tag(): string {
    return `wire${this.address.replaceAll(".", "")}`;
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}

function serialized(message: SipMessage): string[] {
  return Buffer.from(serializeMessage(message)).toString().split("\r\n\r\n")[0]!.split("\r\n");
}

function serializedHeader(message: SipMessage, name: string): string {
  return serialized(message).find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))!;
}

/** A call that a wire party placed. */
export class WireCall {
  readonly party: WireParty;
  readonly callId = `rig-${++counter}-${process.pid}`;
  readonly #fields: InviteFields;
  readonly #uri: string;
  #sequence = 0;
  #remoteTag = "";
  #contact = "";

  constructor(party: WireParty, fields: InviteFields) {
    this.party = party;
    this.#fields = fields;
    this.#uri = `sip:${fields.to ?? "+15550200300"}@${fields.domain ?? `office.pstn.${BASE}`}`;
  }

  async sendInvite(): Promise<void> {
    const body = this.#fields.sdp ?? sdp(this.party.address);
    await this.#send(
      "INVITE",
      [...(body === "" ? [] : ["Content-Type: application/sdp"]), ...(this.#fields.headers ?? [])],
      body,
    );
  }

  /** The same datagram once more. */
  repeatInvite(): Promise<void> {
    return this.party.send(this.#invite);
  }

  /** Waits for the final answer and acknowledges it. */
  async final(ackSdp = ""): Promise<SipResponse> {
    const response = await this.party.final("INVITE", this.callId);
    this.#remoteTag = response.to.params.get("tag") ?? "";
    this.#contact = response.headers.get("Contact")?.replace(/^<|>.*$/g, "") ?? this.#contact;
    await this.#send(
      "ACK",
      ackSdp === "" ? [] : ["Content-Type: application/sdp"],
      ackSdp,
      this.#sequence,
      response.status >= 300,
    );
    return response;
  }

  cancel(headers: readonly string[] = []): Promise<void> {
    return this.#send("CANCEL", headers, "", this.#sequence, true);
  }

  /** A request in the dialog, with the next number. */
  request(method: string, headers: readonly string[] = [], body = ""): Promise<void> {
    return this.#send(method, headers, body);
  }

  async bye(headers: readonly string[] = []): Promise<void> {
    await this.#send("BYE", headers, "");
    await this.party.final("BYE");
  }

  #branch = "";
  #invite: Uint8Array = new Uint8Array(0);

  async #send(
    method: string,
    headers: readonly string[],
    body: string,
    sequence?: number,
    sameBranch = false,
  ): Promise<void> {
    const { address } = this.party;
    const number = sequence ?? ++this.#sequence;
    const branch = sameBranch ? this.#branch : `z9hG4bKrig${++counter}p${process.pid}`;
    if (method === "INVITE") this.#branch = branch;
    const { from = "<sip:+15550100200@caller.test>" } = this.#fields;
    const bytes = lines(
      [
        `${method} ${sameBranch || this.#contact === "" ? this.#uri : this.#contact} SIP/2.0`,
        `Via: SIP/2.0/UDP ${address}:5060;branch=${branch};rport`,
        `Max-Forwards: ${this.#fields.maxForwards ?? 70}`,
        `From: ${from};tag=rig`,
        `To: <${this.#fields.toUri ?? this.#uri}>${this.#remoteTag === "" ? "" : `;tag=${this.#remoteTag}`}`,
        `Call-ID: ${this.callId}`,
        `CSeq: ${number} ${method}`,
        `Contact: <sip:${address}:5060>`,
        ...headers,
      ],
      body,
    );
    if (method === "INVITE") this.#invite = bytes;
    await this.party.send(bytes);
  }
}

export interface CallRig {
  readonly gateway: TestGateway;
  readonly caller: WireParty;
  readonly carrier: WireParty;
  stop(): Promise<void>;
}

/**
 * Trunk `office` of the caller; numbers leave by the BYOC trunk `carrier`.
 * @param changes - `trunk`: further keys of the trunk; `targets`: those of the carrier; `objects`: further YAML
 */
export async function startCallRig(
  changes: {
    readonly trunk?: string;
    readonly policy?: string;
    readonly targets?: readonly string[];
    readonly objects?: string;
    /** Further keys of the BYOC trunk, beginning with a comma. */
    readonly byoc?: string;
    /** More lines of `byocTrunks`. */
    readonly moreByoc?: string;
    /** More lines of `ipAccessControlLists`. */
    readonly lists?: string;
    /** More lines of `sipDomains`. */
    readonly domains?: string;
    readonly sip?: string;
    readonly media?: string;
    /** More keys of this section, beginning with a comma. */
    readonly http?: string;
    /** Further keys of `tls`, beginning with a comma. */
    readonly tls?: string;
    readonly top?: string;
    readonly store?: string;
  } = {},
): Promise<CallRig> {
  const targets = changes.targets ?? [`{ name: carrier, url: "sip:${CARRIER}:5060" }`];
  const gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: peers, addresses: [${CALLER}, ${CARRIER}] }
${changes.lists ?? ""}
connectionPolicies:
  - name: carrier
    ${changes.policy ?? ""}
    targets:
${targets.map((target) => `      - ${target}`).join("\n")}
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true${changes.byoc ?? ""} }
${changes.moreByoc ?? ""}
sipDomains:
  - { name: carrier, domain: carrier, byocTrunk: carrier, ipAccessControlLists: [peers] }
${changes.domains ?? ""}
trunks:
  - name: office
    domain: office
    ipAccessControlLists: [peers]
    callerIdPolicy: any
    ${changes.trunk ?? ""}
${changes.objects ?? ""}
`,
    changes,
  );
  const [caller, carrier] = await Promise.all([WireParty.open(CALLER), WireParty.open(CARRIER)]);
  return {
    gateway,
    caller,
    carrier,
    async stop() {
      await gateway.stop();
      await Promise.all([caller.close(), carrier.close()]);
    },
  };
}
