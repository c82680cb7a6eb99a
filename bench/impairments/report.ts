/** The table of `docs/impairments.md`. */
import type { Figures } from "./measure.ts";
import type { Scenario } from "./scenarios.ts";

export interface Row {
  readonly scenario: Scenario;
  readonly lostShare: number;
  readonly adaptive: Figures;
  readonly fixed: Figures;
}

const percent = (share: number) => `${(share * 100).toFixed(share > 0 && share < 0.001 ? 2 : 1)} %`;
const ms = (n: number) => n.toFixed(0);
const dB = (n: number) => n.toFixed(1);

function cells({ scenario, lostShare, adaptive, fixed }: Row): string {
  const back = adaptive.returnSeconds === undefined ? "" : `${adaptive.returnSeconds.toFixed(1)} s`;
  return [
    `[${scenario.title}](impairments/${scenario.name}.svg)`,
    percent(lostShare),
    `${ms(adaptive.delayMs)} / ${ms(adaptive.delayMostMs)}`,
    percent(adaptive.lateShare),
    percent(adaptive.missingShare),
    dB(adaptive.distance),
    dB(adaptive.distanceSilent),
    dB(adaptive.snr),
    back,
    `${ms(fixed.delayMs)} / ${ms(fixed.delayMostMs)}`,
    percent(fixed.lateShare),
    percent(fixed.missingShare),
    dB(fixed.distance),
    dB(fixed.snr),
  ].join(" | ");
}

export function writeReport(rows: readonly Row[], jitterBytes: number): string {
  return `# What is heard of an impaired network

Written by \`npm run impair\`. It plays a minute of speech (an hour for the clocks) over each road in virtual time, through the
jitter buffer of the WASM module that ships and through the plain alternative: a buffer that always holds 60 ms and plays
silence for what is not there. Packets have 20 ms unless it says otherwise; nothing is random from run to run, so the figures
repeat exactly on any machine. One jitter buffer takes ${jitterBytes} octets.

| road | lost | delay ms, mean / most | late | made up | distance dB | with silence | SNR dB | back after | fixed: delay ms | late | missing | distance dB | SNR dB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map((row) => `| ${cells(row)} |`).join("\n")}

- **lost**: packets that never came. **late**: packets that came, too late to be used, of those that came.
- **delay**: from the end of a packet of 20 ms at the sender to its being played, network and buffer together; the first
  second is left out. **back after**: how long after the end of the episode the delay was within 20 ms of what is usual.
- **made up**, **missing**: share of the played time that the sender's samples did not fill. A late packet that is played all
  the same (playing steps back to it) leaves a made-up bridge, no lost word.
- **distance**: log-spectral distance to what was said (Gray and Markel 1976; 250 to 3400 Hz, 20 ms windows), the mean over
  all windows of speech; 0 is what was sent, about 27 is silence. **with silence**: the same run, with silence in place of
  every frame that was made up: what concealment is worth. **SNR**: segmental, each window bounded to -10 to 35 dB.
- What the SNR says must be read with care. Where periods are left out or repeated, samples lie a few ms beside the original,
  and where audio comes back after a gap the joint glides for 6 to 10 ms: the SNR counts both as noise, while silence hard up
  against untouched audio costs it nothing there, click and all. Over the lost windows alone concealment has the better SNR
  (test/assembly/jitter-concealment.test.ts); over all windows the distance is the better judge.

The speech is synthetic (glottal pulses through moving formants, pauses, a soft background), so that the document can be made
without a recording. \`test/assembly/jitter-concealment.test.ts\` judges recorded speech as well where the fixtures exist.
${rows.map(({ scenario }) => `\n![${scenario.title}](impairments/${scenario.name}.svg)`).join("\n")}
`;
}
