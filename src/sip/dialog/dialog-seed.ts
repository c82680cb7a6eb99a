/** What the two ways of making a dialog know when it is confirmed (RFC 3261 §12.1). */

import type { ExtraHeaders, Flow, NameAddr, SipBody } from "../message.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { SipUri } from "../uri.ts";
import type { ChallengeMemory, ClientCredentials } from "./authentication.ts";
import type { OfferExchange } from "./offer-exchange.ts";
import type { SessionInterval } from "./session-timer.ts";

export interface DialogSeed {
  readonly role: "uac" | "uas";
  readonly callId: string;
  readonly local: NameAddr;
  readonly remote: NameAddr;
  readonly localTag: string;
  readonly remoteTag: string;
  /** CSeq of our last request, and that of the INVITE when it was ours. */
  readonly localSequence: number;
  readonly inviteSequence: number;
  /** CSeq of their last request, -1 when there was none. */
  readonly remoteSequence: number;
  readonly remoteTarget: SipUri;
  readonly routes: readonly NameAddr[];
  readonly flow: Flow;
  readonly tlsVerify: boolean;
  /** Credentials of the INVITE, sent again with the ACK (SIP-TXN-4). */
  readonly authorization?: ExtraHeaders;
  /** For challenges in the dialog, and those of the INVITE. */
  readonly credentials?: ClientCredentials;
  readonly challenges?: ChallengeMemory;
  /** Agreed in the 2xx (RFC 4028). */
  readonly session: SessionInterval | undefined;
  /** The far end takes UPDATE, so that a refresh needs no offer. */
  readonly remoteTakesUpdate: boolean;
  /** Our session description, for a refresh by re-INVITE. */
  readonly localBody?: SipBody;
  /** Goes on from the early dialog. */
  readonly exchange: OfferExchange;
  /** The 2xx made the offer, so that its answer is in the ACK (SDP-3). */
  readonly answerInAck: boolean;
  /** PRACK of a provisional answer that came before the 2xx. */
  readonly onPrack?: (transaction: ServerTransaction) => void;
}

/** What sending requests in a dialog takes, early or confirmed. */
export type SenderSeed = Pick<
  DialogSeed,
  | "callId"
  | "local"
  | "remote"
  | "localSequence"
  | "inviteSequence"
  | "remoteTarget"
  | "routes"
  | "flow"
  | "tlsVerify"
  | "authorization"
  | "credentials"
  | "challenges"
>;
