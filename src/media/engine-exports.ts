/** The functions of the WASM module as they are called from here. Pointers, lengths and slots are plain numbers. */

/**
 * All of them return a length, count or slot, or a negative status of `assembly/abi.ts`; none throws. Times are
 * monotonic milliseconds of the caller.
 */
export interface EngineExports {
  readonly memory: WebAssembly.Memory;

  engineInit(legCountMax: number, streamCountMax: number, conferenceCountMax: number): number;
  /** @param offsetMs - what is added to `nowMs` for ms since 1970: the NTP time of sender reports */
  engineSetWallClock(offsetMs: number): number;
  engineOpenLeg(nowMs: number): number;
  engineConfigureLeg(leg: number, nowMs: number): number;
  engineCloseLeg(leg: number, nowMs: number): number;
  /** Only while nothing waits to be received, sent or fetched. */
  engineWipeAudio(): number;
  /** After a trap: frees the leg that was being worked on without touching anything else of it. */
  engineAbandonLeg(leg: number): number;
  engineBridge(a: number, b: number, nowMs: number): number;
  engineUnbridge(leg: number, nowMs: number): number;
  engineStats(leg: number): number;

  engineReceive(count: number, nowMs: number): number;
  engineTick(nowMs: number): number;

  enginePlaybackRoom(leg: number): number;
  enginePlaybackWrite(leg: number, octets: number): number;
  enginePlaybackClear(leg: number): number;
  enginePlayedOctets(leg: number): number;

  engineOpenConference(): number;
  engineCloseConference(conference: number): number;
  engineJoinConference(conference: number, leg: number, flags: number): number;
  engineLeaveConference(leg: number): number;
  engineConferenceOf(leg: number): number;
  engineConferenceMembers(conference: number): number;
  engineAnnouncementRoom(conference: number): number;
  engineAnnounce(conference: number, octets: number): number;
  engineAnnouncementClear(conference: number): number;
  engineAnnouncedOctets(conference: number): number;
  engineOpenPort(conference: number): number;
  engineClosePort(port: number): number;
  enginePushBlock(port: number): number;
  enginePullBlock(port: number): number;

  engineSendDigit(leg: number, event: number, durationMs: number): number;
  engineDigitsPending(leg: number): number;

  engineOpenStream(leg: number, options: number, streamSidLength: number, nowMs: number): number;
  engineCloseStream(stream: number): number;
  engineStreamCongested(stream: number, congested: number): number;
  engineStreamNextSequence(stream: number): number;
  engineReadMessage(length: number): number;
  engineReadMessageOf(stream: number, length: number): number;
}
