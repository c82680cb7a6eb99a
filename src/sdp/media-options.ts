/** What was negotiated, in the terms of a media leg: the object has the shape of the media core's leg options. */

import type { Negotiated } from "./negotiated.ts";

/** Options for the leg that carries this stream. Keys are passed by reference and not kept. */
export function mediaOptionsOf(negotiated: Negotiated) {
  const { srtp, telephoneEvent } = negotiated;
  return {
    codec: negotiated.codec,
    payloadType: negotiated.payloadType,
    receivePayloadType: negotiated.receivePayloadType,
    alternatePayloadType: negotiated.alternatePayloadType,
    telephoneEventPayloadType: telephoneEvent?.sendPayloadType ?? -1,
    telephoneEventReceivePayloadType: telephoneEvent?.receivePayloadType ?? -1,
    comfortNoisePayloadType: negotiated.comfortNoisePayloadType,
    ptimeMs: negotiated.ptimeMs,
    remoteRtp: negotiated.remoteRtp,
    remoteRtcp: negotiated.remoteRtcp,
    rtcpMux: negotiated.rtcpMux,
    sending: negotiated.direction.sending,
    receiving: negotiated.direction.receiving,
    srtpSend: srtp === null ? null : { suite: srtp.suite, keySalt: srtp.sendKeySalt },
    srtpReceive: srtp === null ? null : { suite: srtp.suite, keySalt: srtp.receiveKeySalt },
  } as const;
}
