/** SIP: what it costs to read and write one INVITE, to take it up as a transaction, and the worst that one repeated octet does. */
import type { Row, Suite } from "../harness/suite.ts";
import { INVITE_ABOUT } from "./sip/fixture.ts";
import { hostileOctets } from "./sip/hostile.ts";
import { jssipParse, sipJsParse } from "./sip/peers.ts";
import { tandemParse, tandemSerialize, tandemTransaction } from "./sip/tandem.ts";

const rows: Row[] = [
  {
    name: "sip/parse",
    unit: "ns/message",
    about: `octets to a message with Via, From, To, CSeq and URIs read: ${INVITE_ABOUT}; against the parsers of sip.js and JsSIP`,
    ours: tandemParse,
    peers: { "sip.js": sipJsParse, jssip: jssipParse },
  },
  {
    name: "sip/serialize",
    unit: "ns/message",
    about: `a message to octets, every field checked: ${INVITE_ABOUT}; no peer writes octets from fields`,
    ours: tandemSerialize,
    peers: {},
  },
  {
    name: "sip/datagram-to-transaction",
    unit: "ns/message",
    about: `octets to a new server transaction, 100 Trying sent and the transaction ended: ${INVITE_ABOUT}; no peer`,
    ours: tandemTransaction,
    peers: {},
  },
  {
    name: "sip/hostile-octets",
    unit: "ns/message",
    about: "the slowest of 64 KiB of each octet as a datagram, on a stream, in a header, in the request line; no peer",
    ours: hostileOctets,
    peers: {},
  },
];

export const suite: Suite = { name: "sip", rows };
