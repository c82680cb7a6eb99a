/** `tandem/sip`: the SIP stack alone. UDP, TCP and TLS, transactions, dialogs, digest; no media, no rules of trunks. */

export { createRequest, createResponse } from "./build.ts";
export { ReferSubscription } from "./dialog/refer-subscription.ts";
export {
  answerChallenge,
  type Challenge,
  type Credentials,
  formatChallenge,
  parseChallenge,
  parseCredentials,
  verifyResponse,
} from "./digest.ts";
export { readReasons, readReferTo, retryAfterSeconds } from "./header-values.ts";
export { Headers } from "./headers.ts";
export { readCallerIdentity } from "./identity.ts";
export type { ExtraHeaders, Flow, NameAddr, SipBody, SipMessage, SipRequest, SipResponse, Via } from "./message.ts";
export { formatNameAddr, parseNameAddr } from "./name-addr.ts";
export { NonceBook } from "./nonce.ts";
export { UnacceptableRequestError } from "./parse-failure.ts";
export { parseMessage } from "./parser.ts";
export { parseReplaces, type Replaces, readReplaces } from "./replaces.ts";
export { serializeMessage } from "./serialize.ts";
export {
  type Admission,
  type ListenAddress,
  type ListenOptions,
  SipStack,
  type SipStackOptions,
  type TlsOptions,
} from "./sip-stack.ts";
export { StreamParser } from "./stream-parser.ts";
export type { AddressRecord, NaptrRecord, Resolver, SrvRecord } from "./transport/resolver.ts";
export { formatUri, parseUri, type SipUri, sipUri, urisEqual } from "./uri.ts";
export type {
  Dialog,
  IncomingInvite,
  IncomingRequest,
  InDialogRequest,
  OutgoingInvite,
  OutgoingInviteOptions,
} from "./user-agent.ts";
