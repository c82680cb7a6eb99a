/** What JavaScript may call of the audio kernels alone: G.711, base64, stream frames, mixing, digits, tones, jitter buffer. */

export { DTX_BYTES, DTX_SEND_AUDIO, DTX_SEND_NOTHING, dtxReset, dtxStep } from "../jitter/dtx";
export {
  JITTER_BYTES,
  jitterComfortNoise,
  jitterConcealed,
  jitterDepthMs,
  jitterDuplicates,
  jitterFrames,
  jitterInsert,
  jitterLate,
  jitterLengthened,
  jitterMadeUp,
  jitterPosition,
  jitterReset,
  jitterRestart,
  jitterRestarts,
  jitterShortened,
  jitterSkipped,
  jitterTake,
  jitterTargetMs,
} from "../jitter/jitter";
export { base64Decode, base64Encode } from "../kernels/base64";
export { alawDecode, alawEncode, alawToUlaw, ulawDecode, ulawEncode, ulawToAlaw } from "../kernels/g711";
export {
  FRAME_BYTES_MAX,
  FRAME_TEMPLATE_BYTES,
  frameTemplate,
  writeMediaFrame,
  writeMediaText,
} from "../kernels/media-frame";
export { readMediaPayload } from "../kernels/media-message";
export { MIX_LEGS_MAX, MIX_SUM_BYTES, mixAdd, mixMinus, mixOutOf, mixSum } from "../kernels/mix";
export { DTMF_DETECTOR_BYTES, dtmfDetect, dtmfDetectorReset, dtmfDetectSilence } from "../kernels/dtmf-detector";
export { g711Energy } from "../kernels/level";
export { TONE_STATE_BYTES, toneBegin, toneWrite } from "../kernels/tone";
export {
  DTMF_RECEIVER_BYTES,
  DTMF_SENDER_BYTES,
  DTMF_STEP_MARKER,
  DTMF_STEP_MORE,
  dtmfReceive,
  dtmfReset,
  dtmfSendBegin,
  dtmfSendStep,
} from "../rtp/telephone-event";
