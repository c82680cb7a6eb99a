// A conference of three, in memory and in virtual time: node examples/conference.mjs
// No sockets and no clock: datagrams are handed over as octets, and time is a number that this program counts up.
import { AddressCache, MediaCore, MediaKernels } from "tandem/media";

const TONES = [400, 700, 1100];
const core = await MediaCore.create({ legCountMax: 8, conferenceCountMax: 1 });
const { g711 } = await MediaKernels.create();
const from = new AddressCache().get("192.0.2.1");
const conference = core.openConference({ legCountMax: 3 });
const legs = TONES.map((_, i) => {
  const leg = core.openLeg({ remoteRtp: { address: "192.0.2.1", port: 4000 + 2 * i } }, 0);
  core.joinConference(conference, leg);
  return leg;
});

/** What each member was sent, decoded. @type {Int16Array[][]} */
const heard = legs.map(() => []);
const samples = new Int16Array(160);
const packet = new Uint8Array(172);
for (let frame = 0; frame < 150; frame++) {
  const nowMs = frame * 20;
  legs.forEach((leg, i) => {
    // The second member falls silent after two seconds.
    if (i === 1 && frame >= 100) return;
    for (let k = 0; k < 160; k++) samples[k] = 4000 * Math.sin((2 * Math.PI * TONES[i] * (frame * 160 + k)) / 8000);
    const view = new DataView(packet.buffer);
    view.setUint16(0, 0x8000);
    view.setUint16(2, frame);
    view.setUint32(4, frame * 160);
    view.setUint32(8, i + 1);
    g711.encode("PCMU", samples, packet.subarray(12));
    core.pushDatagram(leg, 0, packet, packet.length, from, 4000 + 2 * i);
  });
  core.receive(nowMs);
  for (let step = 0; step < 20; step += 5) {
    core.tick(nowMs + step);
    core.forEachDatagram((d) => {
      if (d.component !== 0 || d.length !== 172) return;
      const audio = new Int16Array(160);
      g711.decode("PCMU", d.bytes.subarray(d.offset + 12, d.offset + 172), audio);
      heard[legs.indexOf(d.leg)].push(audio);
    });
  }
}

for (const [when, first, last] of /** @type {const} */ ([
  ["while all talk", 50, 90],
  ["without the second", 120, 145],
])) {
  console.log(`${when}:`);
  legs.forEach((_, i) => {
    const audio = heard[i].slice(first, last).flatMap((frame) => [...frame]);
    const parts = TONES.map((hz) => `${hz} Hz ${level(audio, hz) > 1000 ? "yes" : "no "}`);
    console.log(`  member ${i + 1} (talks at ${TONES[i]} Hz) hears  ${parts.join("   ")}`);
  });
}
for (const leg of legs) core.closeLeg(leg, 3000);
core.closeConference(conference);

/** Amplitude of one frequency (Goertzel). @param {number[]} audio @param {number} hz */
function level(audio, hz) {
  const c = 2 * Math.cos((2 * Math.PI * hz) / 8000);
  let [a, b] = [0, 0];
  for (const sample of audio) [a, b] = [sample + c * a - b, a];
  return (2 * Math.sqrt(a * a + b * b - c * a * b)) / audio.length;
}
