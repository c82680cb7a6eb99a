// RTP in, Media Streams out, and what the consumer says back as RTP: node examples/rtp-to-media-streams.mjs
// The frames come out of WebAssembly whole: JSON, base64, mask and WebSocket header. They go to the socket as they are.
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:http";
import { AddressCache, MediaCore } from "tandem/media";
import { WebSocketServer } from "ws";

const now = () => performance.now();
const SID = `MZ${randomBytes(16).toString("hex")}`;

// A consumer that echoes: any server that speaks Media Streams will do.
const consumer = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await once(consumer, "listening");
let heard = 0;
consumer.on("connection", (socket) =>
  socket.on("message", (text) => {
    const message = JSON.parse(String(text));
    if (message.event !== "media") return console.log("consumer:", message.event);
    heard++;
    const { payload } = message.media;
    socket.send(JSON.stringify({ event: "media", streamSid: message.streamSid, media: { payload } }));
  }),
);

// One leg and one stream. The telephone is a socket of this process; a real one is told our port by SDP.
const socket = createSocket("udp4");
const phone = createSocket("udp4");
for (const one of [socket, phone]) {
  one.bind(0, "127.0.0.1");
  await once(one, "listening");
}
const core = await MediaCore.create({ legCountMax: 16 });
const addresses = new AddressCache();
const leg = core.openLeg({ remoteRtp: { address: "127.0.0.1", port: phone.address().port } }, now());
const wire = await connect(/** @type {import("node:net").AddressInfo} */ (consumer.address()).port);
const stream = core.openStream({ leg, tracks: ["inbound"], streamSid: SID }, now());
say({ event: "connected", protocol: "Call", version: "1.0.0" });
say({
  event: "start",
  sequenceNumber: String(core.nextSequence(stream)),
  start: {
    streamSid: SID,
    tracks: ["inbound"],
    mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
  },
  streamSid: SID,
});
socket.on("message", (bytes, from) => {
  core.pushDatagram(leg, 0, bytes, bytes.length, addresses.get(from.address), from.port);
  core.receive(now());
});
const clock = setInterval(() => {
  core.tick(now());
  core.forEachFrame((frame) => wire.write(frame.bytes.slice(frame.offset, frame.offset + frame.length)));
  core.forEachDatagram((d) => socket.send(d.bytes.slice(d.offset, d.offset + d.length), d.port, d.address));
}, 5);

// The telephone talks for two seconds and counts what comes back.
let back = 0;
phone.on("message", () => back++);
for (let sequence = 0; sequence < 100; sequence++) {
  const packet = Buffer.alloc(172, sequence % 2 === 0 ? 0x9f : 0x1f);
  packet.writeUInt16BE(0x8000, 0);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(0xa11ce, 8);
  phone.send(packet, socket.address().port, "127.0.0.1");
  await new Promise((done) => setTimeout(done, 20));
}
clearInterval(clock);
const { packetsReceived, packetsLost } = core.closeLeg(leg, now());
console.log(
  `${packetsReceived} packets in, ${packetsLost} lost, ${heard} messages at the consumer, ${back} packets back`,
);
wire.destroy();
consumer.close();
socket.close();
phone.close();

/** The WebSocket handshake (RFC 6455 §4.1); afterwards the TCP socket is ours. @param {number} port */
async function connect(port) {
  const upgrade = request({
    port,
    host: "127.0.0.1",
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
    },
  });
  upgrade.end();
  const [, tcp] = await once(upgrade, "upgrade");
  tcp.setNoDelay(true);
  let waiting = Buffer.alloc(0);
  tcp.on("data", (/** @type {Buffer} */ octets) => {
    waiting = Buffer.concat([waiting, octets]);
    for (;;) {
      // A server's frames are not masked (RFC 6455 §5.2). The short form is enough for this consumer's longest message.
      if (waiting.length < 2) return;
      const long = (waiting[1] & 127) === 126;
      const header = long ? 4 : 2;
      if (waiting.length < header) return;
      const length = long ? waiting.readUInt16BE(2) : waiting[1] & 127;
      if (waiting.length < header + length) return;
      const count = core.readMediaMessage(waiting.subarray(header, header + length));
      if (count > 0) core.playbackWrite(leg, core.decoded, 0, count);
      waiting = waiting.subarray(header + length);
    }
  });
  return tcp;
}

/** One control message as a masked text frame. @param {object} message */
function say(message) {
  const text = Buffer.from(JSON.stringify(message));
  const mask = randomBytes(4);
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255]), mask, text]);
  for (let i = 0; i < text.length; i++) frame[8 + i] ^= mask[i & 3];
  wire.write(frame);
}
