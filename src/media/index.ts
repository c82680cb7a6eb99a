/**
 * `tandem/media`: the media core for other gateways. RTP in, RTP and stream frames out; no SIP, no sockets, no threads.
 *
 * ```ts
 * const core = await MediaCore.create();
 * const addresses = new AddressCache();
 * const leg = core.openLeg({ codec: "PCMU", remoteRtp: { address: "192.0.2.1", port: 4000 } }, now());
 * core.openTap({ leg, tracks: ["inbound"] }, now());
 * socket.on("message", (bytes, from) => {
 *   core.pushDatagram(leg, 0, bytes, bytes.length, addresses.get(from.address), from.port);
 *   core.receive(now());
 * });
 * setInterval(() => {
 *   core.tick(now());
 *   core.forEachDatagram((d) => socket.send(d.bytes.slice(d.offset, d.offset + d.length), d.port, d.address));
 *   core.forEachFrame((f) => consume(f.bytes.slice(f.offset, f.offset + f.length)));
 * }, 5);
 * ```
 */

export { AddressCache, type AddressWords, addressText, parseAddress } from "./address.ts";
export type { ConferenceOptions, MemberOptions } from "./conferences.ts";
export type { DatagramView, DatagramVisitor } from "./datagram-view.ts";
export type { EventVisitor } from "./event-reader.ts";
export type { FrameView, FrameVisitor, Track } from "./frame-view.ts";
export { G711 } from "./kernels/g711.ts";
export { JitterBuffer, type Played } from "./kernels/jitter-buffer.ts";
export { MediaKernels, type MediaKernelsOptions } from "./kernels/media-kernels.ts";
export { SrtpBatch, type SrtpRefusal, SrtpSession } from "./kernels/srtp.ts";
export { MediaMessageReader, StreamFramer } from "./kernels/stream-framer.ts";
export type {
  G711Codec,
  LegOptions,
  SocketAddress,
  SourcePolicy,
  SrtpKey,
  SrtpReceiveState,
  SrtpSuite,
} from "./leg-options.ts";
export { MediaCore, type MediaCoreOptions } from "./media-core.ts";
export type { DropReason, LegEvent, LegStats, LossPattern, RemoteQuality, RemoteReport } from "./media-events.ts";
export type { RandomFill } from "./random-pool.ts";
export type { StreamOptions, TapOptions } from "./stream-slots.ts";
export { compileWasm, type WasmSource } from "./wasm-engine.ts";
export { WAV_HEADER_BYTES, type WavFormat, wavFrameBytes, wavHeader } from "./wav-header.ts";
