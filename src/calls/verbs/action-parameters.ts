/** What action URLs are told besides the standard parameters (twiml.md 2.1, 2.5). */

import type { Parameter } from "../../voice/signature.ts";
import type { StreamEnding } from "../call-streams.ts";
import type { DialResult } from "./dial.ts";

export function dialActionParameters(result: DialResult): Parameter[] {
  const parameters: Parameter[] = [
    ["DialCallStatus", result.status],
    ["DialBridged", String(result.bridged)],
  ];
  if (result.callSid !== "") parameters.push(["DialCallSid", result.callSid]);
  if (result.durationSeconds !== undefined) parameters.push(["DialCallDuration", String(result.durationSeconds)]);
  if (result.sipCallId !== undefined) parameters.push(["DialSipCallId", result.sipCallId]);
  if (result.sipResponseCode !== undefined) parameters.push(["DialSipResponseCode", String(result.sipResponseCode)]);
  return parameters;
}

export function streamActionParameters(ending: StreamEnding | undefined): Parameter[] {
  if (ending === undefined) return [];
  const parameters: Parameter[] = [
    ["StreamSid", ending.streamSid],
    ["StreamName", ending.name],
  ];
  if (ending.error !== "") parameters.push(["StreamError", ending.error]);
  return parameters;
}
