/**
 * The control messages that go to a consumer, to the octet (media-streams.md 4). `media` messages are not here: the
 * engine writes those. Strings from outside get full JSON escaping; everything else is text of our own.
 */

import type { StreamDescription } from "./stream-types.ts";

/** First message, once, without a number (4.1). */
export const CONNECTED_MESSAGE = '{"event":"connected","protocol":"Call","version":"1.0.0"}';

/** Second message (4.2). Parameters keep their order; of two with one name the last value wins. */
export function startMessage(stream: StreamDescription, sequenceNumber: number): string {
  const { accountSid, streamSid, callSid, tracks, customParameters } = stream;
  // Text, not an object: an object would move names like "1" to the front and lose "__proto__".
  const parameters = [...new Map(customParameters)]
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(",");
  return (
    `{"event":"start","sequenceNumber":"${sequenceNumber}","start":{"accountSid":${JSON.stringify(accountSid)},` +
    `"streamSid":${JSON.stringify(streamSid)},"callSid":${JSON.stringify(callSid)},"tracks":${JSON.stringify(tracks)},` +
    `"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{${parameters}}},` +
    `"streamSid":${JSON.stringify(streamSid)}}`
  );
}

/** One key press (4.4); here the track has its suffix. */
export function dtmfMessage(streamSid: string, sequenceNumber: number, digit: string): string {
  return (
    `{"event":"dtmf","streamSid":${JSON.stringify(streamSid)},"sequenceNumber":"${sequenceNumber}",` +
    `"dtmf":{"track":"inbound_track","digit":${JSON.stringify(digit)}}}`
  );
}

/** Echo of a consumer's mark (4.5). */
export function markMessage(streamSid: string, sequenceNumber: number, name: string): string {
  return (
    `{"event":"mark","sequenceNumber":"${sequenceNumber}","streamSid":${JSON.stringify(streamSid)},` +
    `"mark":{"name":${JSON.stringify(name)}}}`
  );
}

/** Last message, once (4.6). */
export function stopMessage(stream: StreamDescription, sequenceNumber: number): string {
  const { accountSid, streamSid, callSid } = stream;
  return (
    `{"event":"stop","sequenceNumber":"${sequenceNumber}","streamSid":${JSON.stringify(streamSid)},` +
    `"stop":{"accountSid":${JSON.stringify(accountSid)},"callSid":${JSON.stringify(callSid)}}}`
  );
}
