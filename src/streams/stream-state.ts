/**
 * The life of one media stream as a table (media-streams.md 5.1, 8). Pairs that are not listed are ignored on purpose:
 * after its end nothing that a socket still says matters, and only the first of several ends counts.
 */

import { type MachineTable, to } from "../base/machine.ts";

export type StreamState =
  /** TCP, TLS and the upgrade are under way. */
  | "connecting"
  /** `start` was sent; media flows. */
  | "open"
  /** We said goodbye and wait for the consumer's close frame; nothing more is sent or reported. */
  | "closing"
  | "ended";

export type StreamInput =
  /** 101 with a right accept key. */
  | "upgraded"
  /** No connection, or an answer that is no upgrade; also the failure of ours (31900) that an open stream meets. */
  | "connect-failed"
  /** The owner stops the stream: call end, `<Stop>`, REST, shutdown. */
  | "stop"
  /** The consumer sent a close frame. */
  | "peer-closed"
  /** The consumer broke RFC 6455, sent too much at once, or flooded us. */
  | "protocol-fault"
  /** The socket went without a close frame, no pong came, or the backlog never moved. */
  | "broken"
  /** The socket is closed, or the wait for that is over. */
  | "gone";

export type StreamAction =
  /** Send `connected` and `start`, begin media, report `started`. */
  | "announce"
  /** Report the failed connection. */
  | "report-failure"
  /** Send `stop`, then the close frame. */
  | "say-goodbye"
  /** Report `stopped` by the gateway. */
  | "report-stopped"
  /** Report the consumer's close: `stopped`, or 31921 (8). */
  | "report-peer-close"
  /** Report 31924. */
  | "report-fault"
  /** Report 31903. */
  | "report-broken"
  /** Take the stream out of the engine: no more frames, no more playback. */
  | "end-media"
  /** Wait at most 2 s for the other side to close. */
  | "await-close"
  /** Drop the connection. */
  | "drop";

export const STREAM_TABLE: MachineTable<StreamState, StreamInput, StreamAction> = {
  connecting: {
    upgraded: to("open", "announce"),
    "connect-failed": to("ended", "drop", "report-failure"),
    stop: to("ended", "drop", "report-stopped"),
    "peer-closed": to("ended", "drop", "report-failure"),
    "protocol-fault": to("ended", "drop", "report-failure"),
    broken: to("ended", "drop", "report-failure"),
    gone: to("ended", "drop", "report-failure"),
  },
  open: {
    "connect-failed": to("ended", "end-media", "drop", "report-failure"),
    stop: to("closing", "say-goodbye", "end-media", "await-close", "report-stopped"),
    "peer-closed": to("closing", "end-media", "await-close", "report-peer-close"),
    "protocol-fault": to("closing", "end-media", "await-close", "report-fault"),
    broken: to("ended", "end-media", "drop", "report-broken"),
    gone: to("ended", "end-media", "drop", "report-broken"),
  },
  closing: {
    broken: to("ended", "drop"),
    gone: to("ended", "drop"),
  },
  ended: {},
};
