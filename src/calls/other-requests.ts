/** Requests outside of dialogs that are no INVITE (R-KEEP-1 to R-KEEP-3, R-TERM-13). */

import type { IncomingRequest } from "../sip/user-agent.ts";
import { TokenBuckets } from "../trunking/limits.ts";
import { guardsSources, listedSource } from "../trunking/listed-source.ts";
import { domainOfHost } from "./addressing.ts";
import { retrySeconds } from "./begin-call.ts";
import type { CallContext } from "./call-context.ts";
import type { IncomingCalls } from "./incoming-call.ts";

export class OtherRequests {
  readonly #ctx: CallContext;
  readonly #incoming: IncomingCalls;
  readonly #options: TokenBuckets;

  constructor(ctx: CallContext, incoming: IncomingCalls, burst: number, refillMs: number) {
    this.#ctx = ctx;
    this.#incoming = incoming;
    this.#options = new TokenBuckets(burst, refillMs);
  }

  take(incoming: IncomingRequest): void {
    if (incoming.request.method === "OPTIONS") this.#optionsRequest(incoming);
    else {
      // A trunk is not registered to: the Allow header says so (R-TERM-13).
      if (incoming.request.method === "REGISTER")
        this.#ctx.alerts.raise({
          code: 32210,
          level: "warning",
          text: "REGISTER is not offered: trunks are used without registration",
          accountSid: domainOfHost(this.#ctx, incoming.request.uri.host)?.record.accountSid ?? "",
          remote: `${incoming.flow.remoteAddress}:${incoming.flow.remotePort}`,
          sipStatus: 405,
        });
      incoming.respond(405);
    }
  }

  #optionsRequest(incoming: IncomingRequest): void {
    const { request, flow } = incoming;
    const domain = domainOfHost(this.#ctx, request.uri.host);
    const acls = domain?.record.ipAclSids.flatMap((sid) => this.#ctx.store.get("ipAcls", sid) ?? []) ?? [];
    const isListed =
      domain === undefined || !guardsSources(domain.record) || listedSource(domain.record, acls, flow) !== undefined;
    const fits = this.#options.take(`${flow.remoteAddress} ${request.uri.host}`, this.#ctx.clock.nowMs());
    if (!isListed || !fits) incoming.drop();
    // Health checks of peers shall move traffic away from a gateway that is about to stop.
    else if (this.#incoming.isDraining(flow))
      incoming.respond(503, { headers: [["Retry-After", String(retrySeconds(this.#ctx.random))]] });
    else incoming.respond(200, { headers: [["Accept", "application/sdp"]] });
  }
}
