/** The clock of the playout road: one frame of every leg each 20 ms. */

export const FRAME_MS: f64 = 20;
/** Packets that a leg sends in one late tick (RTP-3), and frames that streams get of it: half a second. */
export const BURST_PACKETS_MAX: i32 = 3;
export const BURST_FRAMES_MAX: i32 = 25;
