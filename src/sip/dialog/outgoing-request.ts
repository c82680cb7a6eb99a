/**
 * A request of ours outside of any dialog that is no INVITE (RFC 3261 §8.1, §17.1.2): OPTIONS, by which a next hop is asked
 * whether it is there (§11), and REGISTER (§10). Over the addresses of its URI one after the other (RFC 3263 §4.3).
 */

import { type GatewayError, TransactionTimeoutError, TransportError } from "../../base/errors.ts";
import { randomHex } from "../../base/ids.ts";
import { createRequest } from "../build.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import type { ClientUser } from "../transaction/client-transaction.ts";
import { addressToSendFrom } from "../transport/local-address.ts";
import type { Located } from "../transport/locate.ts";
import type { OutgoingRequestOptions } from "../user-agent.ts";
import { ClientAuthentication } from "./authentication.ts";
import { contactFor, prepare, type SipCore, userAgent, viaFor } from "./core.ts";

/** Addresses of one name that are asked. */
const ADDRESSES_MAX = 4;

/**
 * The final answer of the first address that gives one.
 * @throws TransactionTimeoutError when none answers in time, TransportError when none can be reached
 */
export async function sendOutOfDialog(core: SipCore, options: OutgoingRequestOptions): Promise<SipResponse> {
  const hop = options.nextHop ?? options.uri;
  let last: GatewayError = new TransportError("TRANSPORT_DNS", `${hop.host} has no address`);
  const { registration } = options;
  let own = 1;
  const authentication = new ClientAuthentication(options.credentials);
  const build = builderOf(core, options, authentication);
  for (const located of (await core.locator.locate(hop)).slice(0, ADDRESSES_MAX)) {
    try {
      for (;;) {
        const sequence = registration === undefined ? own++ : registration.sequence++;
        const response = await askOne(core, options, build, located, hop.host, sequence);
        if (!authentication.answer(response, options.method, options.uri)) return response;
      }
    } catch (error) {
      last = error as GatewayError;
    }
  }
  throw last;
}

function askOne(
  core: SipCore,
  options: OutgoingRequestOptions,
  build: (flow: Flow, sequence: number) => SipRequest,
  located: Located,
  tlsName: string,
  sequence: number,
): Promise<SipResponse> {
  return new Promise((done, fail) => {
    // The transaction runs on to its own end; what comes after this is of no use to anybody.
    const silence = core.clock.after(options.timeoutMs, () =>
      fail(new TransactionTimeoutError(`no answer to ${options.method} within ${options.timeoutMs / 1000} s`)),
    );
    const finish = (settle: () => void): void => {
      silence.cancel();
      settle();
    };
    const { registration } = options;
    const target = async () => ({
      ...located,
      tlsName,
      tlsVerify: options.tlsVerify ?? true,
      localAddress: addressToSendFrom(options.localAddresses, located.address),
    });
    const prepared = target().then((one) => prepare(core, one, (flow) => build(flow, sequence)));
    prepared.then(
      ({ request, flow, octets }) => {
        if (registration !== undefined) registration.flow = flow;
        const user: ClientUser = {
          onResponse: (response) => {
            if (response.status >= 200) finish(() => done(response));
          },
          onFailure: (error) => finish(() => fail(error)),
        };
        core.transactions.request(request, flow, user, octets);
      },
      (error) => finish(() => fail(error)),
    );
  });
}

function builderOf(
  core: SipCore,
  options: OutgoingRequestOptions,
  authentication: ClientAuthentication,
): (flow: Flow, sequence: number) => SipRequest {
  const { registration } = options;
  const tag = registration?.fromTag ?? randomHex(8);
  const callId = registration?.callId ?? randomHex(16);
  return (flow, sequence) =>
    createRequest({
      method: options.method,
      uri: { ...options.uri, headers: [] },
      vias: [viaFor(core, flow)],
      from: { ...options.from, params: new Map([["tag", tag]]) },
      to: options.to,
      callId,
      cseq: { number: sequence, method: options.method },
      headers: [
        ...(registration === undefined
          ? [["Accept", "application/sdp"] as const]
          : [["Contact", contactFor(core, flow, registration.contactUser)] as const]),
        ...(options.headers ?? []),
        ...authentication.headers,
        ...userAgent(core),
      ],
    });
}
