// A relay between plain RTP and SRTP in ten lines, with two telephones to show it: node examples/srtp-relay.mjs
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { AddressCache, MediaCore, MediaKernels } from "tandem/media";

const now = () => performance.now();
const [plain, secure] = [createSocket("udp4"), createSocket("udp4")];
const [plainPhone, securePhone] = [createSocket("udp4"), createSocket("udp4")];
for (const socket of [plain, secure, plainPhone, securePhone]) {
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
}
/** @type {import("tandem/media").SrtpKey[]} */
const [ours, theirs] = [0, 1].map(() => ({ suite: "AES_CM_128_HMAC_SHA1_80", keySalt: randomBytes(30) }));

// The relay.
const core = await MediaCore.create();
const addresses = new AddressCache();
const at = (socket) => ({ address: "127.0.0.1", port: socket.address().port });
const a = core.openLeg({ remoteRtp: at(plainPhone) }, now());
const b = core.openLeg({ codec: "PCMA", remoteRtp: at(securePhone), srtpSend: ours, srtpReceive: theirs }, now());
core.bridge(a, b, now());
const sockets = new Map([
  [a, plain],
  [b, secure],
]);
for (const [leg, socket] of sockets)
  socket.on("message", (bytes, from) => {
    core.pushDatagram(leg, 0, bytes, bytes.length, addresses.get(from.address), from.port);
    core.receive(now());
    core.forEachDatagram((d) =>
      sockets.get(d.leg)?.send(d.bytes.slice(d.offset, d.offset + d.length), d.port, d.address),
    );
  });

// The telephones: one sends plain RTP, the other one opens what it gets and answers with SRTP of its own.
const kernels = await MediaKernels.create();
const receiver = kernels.openSrtp(ours);
const sender = kernels.openSrtp(theirs);
let sent = 0;
let opened = 0;
let answered = 0;
securePhone.on("message", (bytes) => {
  if (receiver.unprotect(bytes, bytes.length) < 0) return;
  opened++;
  const packet = Buffer.concat([rtp(opened, 8, 0xb0b), Buffer.alloc(10)]);
  securePhone.send(packet.subarray(0, sender.protect(packet, 172)), secure.address().port, "127.0.0.1");
});
plainPhone.on("message", () => answered++);
const timer = setInterval(() => {
  if (sent < 50) plainPhone.send(rtp(++sent, 0, 0xa11ce), plain.address().port, "127.0.0.1");
  else {
    clearInterval(timer);
    console.log(
      `${sent} packets of plain mu-law in, ${opened} opened as SRTP, ${answered} answers back as plain mu-law`,
    );
    for (const socket of [plain, secure, plainPhone, securePhone]) socket.close();
  }
}, 20);

/** 20 ms of RTP (RFC 3550 §5.1). @param {number} sequence @param {number} payloadType @param {number} ssrc */
function rtp(sequence, payloadType, ssrc) {
  const packet = Buffer.alloc(172, 0xff);
  packet.writeUInt16BE(0x8000 | payloadType, 0);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}
