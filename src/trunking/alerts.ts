/**
 * Alert numbers of the trunking side with their texts (requirements 0.1, twiml.md 8). An alert tells an operator why a
 * call was refused without a packet trace (R-GEN-8); the texts are for people, the numbers are stable.
 */

/** Number → what it means, one short sentence without a full stop. */
export const TRUNKING_ALERTS = {
  10001: "The account is not active",
  32001: "SIP: the trunk's calls per second or concurrent calls are used up",
  32006: "SIP: too many hops",
  32010: "SIP: no origination URI can be tried",
  32011: "SIP: error or silence from an origination target",
  32012: "SIP: calls per second of all trunks are used up",
  32014: "SIP: no audio was received",
  32015: "SIP: the call reached its longest duration",
  32016: "SIP: no ringing in time",
  32102: "SIP: the session description cannot be used",
  32113: "SIP: a header is not allowed",
  32101: "SIP: the called number is not in E.164 form",
  32200: "SIP: the domain has no authentication",
  32201: "SIP: the source address is in no access control list",
  32202: "SIP: wrong credentials",
  32204: "SIP: the caller id is neither owned nor verified",
  32205: "SIP: the destination is not permitted",
  32206: "SIP: the caller id is not in E.164 form",
  32207: "SIP: SRTP was offered on a trunk that is not secure",
  32208: "SIP: a secure trunk needs SRTP",
  32209: "SIP: a secure trunk needs TLS",
  32210: "SIP: registration is not offered",
  32218: "SIP: the transfer is not allowed",
  32219: "SIP: the redirection is not allowed",
  32222: "SIP: the TLS version is not allowed",
  32230: "SIP: the call could not be recorded, or not wholly",
} as const;

export type TrunkingAlertCode = keyof typeof TRUNKING_ALERTS;
