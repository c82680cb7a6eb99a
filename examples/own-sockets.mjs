// The media core inside a gateway that has sockets, a clock and calls of its own: node examples/own-sockets.mjs
// One socket serves all calls here (RTP and RTCP on one port, RFC 5761); the core never sees it. Packets of one turn of the
// event loop are handed over together, because four packets cost as much as one and a half.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { AddressCache, MediaCore } from "tandem/media";

const now = () => performance.now();

/** What the gateway knows of a call: its leg in the core, and where its far end is. */
class Call {
  /** @param {number} leg @param {number} port */
  constructor(leg, port) {
    this.leg = leg;
    this.port = port;
    this.digits = "";
  }
}

class Gateway {
  /** @param {import("tandem/media").MediaCore} core @param {import("node:dgram").Socket} socket */
  constructor(core, socket) {
    this.core = core;
    this.socket = socket;
    this.addresses = new AddressCache();
    /** @type {Map<number, Call>} */
    this.byPort = new Map();
    /** @type {Map<number, Call>} */
    this.byLeg = new Map();
    this.flushing = false;
    socket.on("message", (bytes, from) => this.take(bytes, from.address, from.port));
    this.clock = setInterval(() => {
      core.tick(now());
      this.give();
    }, 5);
  }

  /** @param {number} port */
  open(port) {
    const remoteRtp = { address: "127.0.0.1", port };
    const leg = this.core.openLeg({ remoteRtp, rtcpMux: true, telephoneEventPayloadType: 101 }, now());
    const call = new Call(leg, port);
    this.byPort.set(port, call);
    this.byLeg.set(leg, call);
    return call;
  }

  /** @param {Buffer} bytes @param {string} address @param {number} port */
  take(bytes, address, port) {
    const call = this.byPort.get(port);
    if (call === undefined) return;
    const from = this.addresses.get(address);
    if (!this.core.pushDatagram(call.leg, 0, bytes, bytes.length, from, port)) {
      this.flush();
      this.core.pushDatagram(call.leg, 0, bytes, bytes.length, from, port);
    }
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => this.flush());
  }

  flush() {
    this.flushing = false;
    this.core.receive(now());
    this.give();
  }

  give() {
    this.core.forEachDatagram((d) => this.socket.send(d.bytes.slice(d.offset, d.offset + d.length), d.port, d.address));
    this.core.forEachEvent((event) => {
      const call = this.byLeg.get(event.leg);
      if (event.type === "dtmf" && call !== undefined) call.digits += event.digit;
    });
  }

  close() {
    clearInterval(this.clock);
    for (const { leg } of this.byLeg.values()) this.core.closeLeg(leg, now());
    this.give();
    this.socket.close();
  }
}

const socket = createSocket("udp4");
const phones = [createSocket("udp4"), createSocket("udp4")];
for (const one of [socket, ...phones]) {
  one.bind(0, "127.0.0.1");
  await once(one, "listening");
}
const gateway = new Gateway(await MediaCore.create({ legCountMax: 64 }), socket);
const [ann, bob] = phones.map((phone) => gateway.open(phone.address().port));
gateway.core.bridge(ann.leg, bob.leg, now());

let heard = 0;
phones[1].on("message", (bytes) => {
  if ((bytes[1] & 127) === 0) heard++;
});
for (let i = 0; i < 50; i++) {
  phones[0].send(packet(i, 0, Buffer.alloc(160, 0xff), i * 160), socket.address().port, "127.0.0.1");
  await new Promise((done) => setTimeout(done, 20));
}
// The key 5, as RFC 4733 §2.5 sends it: the same timestamp, growing duration, the end three times.
for (let step = 1; step <= 8; step++) {
  const event = Buffer.from([
    5,
    step > 5 ? 0x8a : 0x0a,
    (Math.min(step, 5) * 160) >> 8,
    (Math.min(step, 5) * 160) & 255,
  ]);
  phones[0].send(packet(50 + step, 101, event, 8000, step === 1), socket.address().port, "127.0.0.1");
  await new Promise((done) => setTimeout(done, 20));
}
console.log(`Bob heard ${heard} packets, Ann pressed "${ann.digits}"`);
gateway.close();
for (const phone of phones) phone.close();

/** @param {number} sequence @param {number} payloadType @param {Buffer} payload @param {number} timestamp */
function packet(sequence, payloadType, payload, timestamp, marker = false) {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x8000 | (marker ? 0x80 : 0) | payloadType, 0);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(0xa11ce, 8);
  return Buffer.concat([header, payload]);
}
