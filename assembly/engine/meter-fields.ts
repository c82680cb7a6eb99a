/** The level and silence of one track of one leg. */
@unmanaged
export class Meter {
  /** Of the window that is being filled. */
  energy: f64;
  /** Of the last whole window, relative to the overload point. */
  meanSquare: f64;
  /** When the present silence began. */
  quietMs: f64;
  /** The last packet with audio. */
  audioMs: f64;
  samples: i32;
  quiet: i32;
  told: i32;
  loudPackets: i32;
}
