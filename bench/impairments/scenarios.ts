/** The roads that packets take in `npm run impair`. All of them are repeatable: the same seeds give the same packets. */
import {
  both,
  burstLoss,
  clear,
  during,
  type Road,
  randomLoss,
  reorder,
  type SendOptions,
  spikes,
  uniformJitter,
  wifi,
} from "../../test/support/network.ts";

export interface Scenario {
  /** Name of the plot's file. */
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly road: () => Road;
  readonly options?: SendOptions;
  /** An episode, after which the delay is expected back. */
  readonly endsAtSeconds?: number;
}

const MINUTE = 60;
const HOUR = 3600;

export const scenarios: readonly Scenario[] = [
  { name: "clear", title: "no impairment", seconds: MINUTE, road: () => clear },
  { name: "loss-1", title: "1 % lost at random", seconds: MINUTE, road: () => randomLoss(0.01, 11) },
  { name: "loss-5", title: "5 % lost at random", seconds: MINUTE, road: () => randomLoss(0.05, 12) },
  { name: "loss-20", title: "20 % lost at random", seconds: MINUTE, road: () => randomLoss(0.2, 13) },
  {
    name: "loss-5-bursts",
    title: "5 % lost in bursts of 3 (Gilbert-Elliott)",
    seconds: MINUTE,
    road: () => burstLoss(0.05, 3, 14),
  },
  {
    name: "loss-60-ms",
    title: "5 % lost at random, packets of 60 ms",
    seconds: MINUTE,
    road: () => randomLoss(0.05, 15),
    options: { samples: 480 },
  },
  { name: "jitter-50", title: "uniform jitter of 50 ms", seconds: MINUTE, road: () => uniformJitter(50, 16) },
  { name: "jitter-100", title: "uniform jitter of 100 ms", seconds: MINUTE, road: () => uniformJitter(100, 17) },
  { name: "jitter-200", title: "uniform jitter of 200 ms", seconds: MINUTE, road: () => uniformJitter(200, 18) },
  { name: "spikes", title: "spikes of 100 to 200 ms, one in 3 s", seconds: MINUTE, road: () => spikes(3000, 200, 19) },
  {
    name: "wifi",
    title: "Wi-Fi like gaps of up to 120 ms, one a second",
    seconds: MINUTE,
    road: () => wifi(1000, 120, 20),
  },
  {
    name: "wifi-loss",
    title: "the same with 2 % lost",
    seconds: MINUTE,
    road: () => both(wifi(1000, 120, 20), randomLoss(0.02, 21)),
  },
  { name: "reorder", title: "5 % overtaken by two packets", seconds: MINUTE, road: () => reorder(0.05, 45, 22) },
  {
    name: "burst-jitter",
    title: "200 ms of jitter for 10 s",
    seconds: MINUTE,
    road: () => during(20_000, 30_000, uniformJitter(200, 23)),
    endsAtSeconds: 30,
  },
  {
    name: "burst-wifi",
    title: "Wi-Fi like gaps of up to 180 ms for 10 s",
    seconds: MINUTE,
    road: () => during(20_000, 30_000, wifi(400, 180, 24)),
    endsAtSeconds: 30,
  },
  {
    name: "gap",
    title: "one gap of 180 ms in the middle of a word, then all at once",
    seconds: MINUTE,
    road: () => (_index, sentMs) => (sentMs >= 33_500 ? Math.max(0, 33_680 - sentMs) : 0),
    endsAtSeconds: 33.68,
  },
  {
    name: "longer-road",
    title: "the road becomes 120 ms longer",
    seconds: MINUTE,
    road: () => during(20_000, MINUTE * 1000, () => 120),
    endsAtSeconds: 20,
  },
  {
    name: "fast-clock",
    title: "the sender's clock 100 ppm fast, an hour",
    seconds: HOUR,
    road: () => clear,
    options: { skewPpm: 100 },
  },
  {
    name: "slow-clock",
    title: "the sender's clock 100 ppm slow, an hour",
    seconds: HOUR,
    road: () => clear,
    options: { skewPpm: -100 },
  },
];
