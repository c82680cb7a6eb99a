/** The functions of the WASM module that need no engine. Pointers, lengths and statuses are plain numbers; none throws. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;

  srtpOpen(session: number, keySalt: number, tagBytes: number): void;
  srtpWipe(session: number): void;
  srtpRoc(session: number, ssrc: number): number;
  srtpSources(session: number): number;
  srtpProtectRtp(items: number, count: number): void;
  srtpUnprotectRtp(items: number, count: number): void;
  srtpProtectRtcp(session: number, packet: number, length: number): number;
  srtpUnprotectRtcp(session: number, packet: number, length: number): number;

  ulawEncode(samples: number, octets: number, count: number): void;
  alawEncode(samples: number, octets: number, count: number): void;
  ulawDecode(octets: number, samples: number, count: number): void;
  alawDecode(octets: number, samples: number, count: number): void;
  ulawToAlaw(from: number, to: number, count: number): void;
  alawToUlaw(from: number, to: number, count: number): void;

  jitterReset(buffer: number, startMs: number): void;
  jitterInsert(
    buffer: number,
    sequenceNumber: number,
    timestamp: number,
    payload: number,
    length: number,
    alaw: number,
    marker: number,
    nowMs: number,
  ): number;
  jitterTake(buffer: number, out: number, nowMs: number): number;
  jitterDepthMs(buffer: number): number;
  jitterTargetMs(buffer: number): number;
  jitterLate(buffer: number): number;
  jitterDuplicates(buffer: number): number;
  jitterConcealed(buffer: number): number;

  frameTemplate(template: number, streamSid: number, length: number): void;
  writeMediaFrame(
    template: number,
    track: number,
    sequenceNumber: number,
    chunk: number,
    timestampMs: number,
    ulaw: number,
    count: number,
    maskKey: number,
    out: number,
  ): number;
  readMediaPayload(
    message: number,
    length: number,
    streamSid: number,
    streamSidLength: number,
    out: number,
    outMax: number,
  ): number;
}
