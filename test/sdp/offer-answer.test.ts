import { describe, expect, it } from "vitest";
import { type Agreed, answerOffer, applyAnswer, createOffer, type LocalMedia } from "../../src/sdp/offer-answer.ts";
import { SdpRefusal } from "../../src/sdp/refusal.ts";
import { attributeOf, formatSession, parseSession } from "../../src/sdp/session.ts";
import { countingBytes, KEY_A, KEY_B, local, RTPENGINE_CRYPTO, remote, sdp } from "./sdp-samples.ts";

const CRYPTO_80 = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}`;
const CRYPTO_32 = `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${KEY_B}`;

function answer(offerText: string, changes: Partial<LocalMedia> = {}, previous?: Agreed) {
  const offer = parseSession(offerText);
  const options = { randomBytes: countingBytes(), ...(previous === undefined ? {} : { previous }) };
  const result = answerOffer(offer, local(changes), options);
  return { ...result, text: formatSession(result.answer), agreed: { local: result.answer, remote: offer } };
}

function refused(action: () => unknown): SdpRefusal {
  try {
    action();
  } catch (error) {
    if (error instanceof SdpRefusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function mediaLines(text: string): string[] {
  return text.split("\r\n").filter((line) => line.startsWith("m="));
}

describe("R-ORIG-25, R-SEC-7 our offer", () => {
  it("lists PCMU, PCMA, telephone-event and ptime 20", () => {
    const text = formatSession(createOffer(local(), { randomBytes: countingBytes() }));
    expect(text).toBe(
      sdp(
        "v=0",
        "o=- 4711 1 IN IP4 203.0.113.5",
        "s=-",
        "c=IN IP4 203.0.113.5",
        "t=0 0",
        "m=audio 20000 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
      ),
    );
  });

  it("has exactly one crypto line, tag 1, suite _80, no lifetime, no MKI (SDP-SEC-1)", () => {
    const text = formatSession(createOffer(local({ security: "required" }), { randomBytes: countingBytes() }));
    expect(mediaLines(text)).toEqual(["m=audio 20000 RTP/SAVP 0 8 101"]);
    expect(text.match(/a=crypto:.*/g)).toEqual([
      expect.stringMatching(/^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/),
    ]);
  });

  it("announces an RTCP port that is not the next one, and mux only by setting (SDP-16)", () => {
    const offer = (changes: Partial<LocalMedia>) =>
      formatSession(createOffer(local(changes), { randomBytes: countingBytes() }));
    expect(offer({ rtcpPort: 20001 })).not.toContain("a=rtcp");
    expect(offer({ rtcpPort: 30001 })).toContain("a=rtcp:30001\r\n");
    expect(offer({ offerRtcpMux: true })).toContain("a=rtcp-mux\r\n");
  });

  it("uses IP6 for an IPv6 address", () => {
    const text = formatSession(createOffer(local({ address: "2001:db8::5" }), { randomBytes: countingBytes() }));
    expect(text).toContain("c=IN IP6 2001:db8::5\r\n");
  });
});

describe("SDP-4 to SDP-6, SDP-18 codecs and streams", () => {
  it("keeps the offerer's order and sends with the first codec (R-ORIG-25)", () => {
    const { text, negotiated } = answer(remote("m=audio 4000 RTP/AVP 18 8 0 96", "a=rtpmap:96 telephone-event/8000"));
    expect(mediaLines(text)).toEqual(["m=audio 20000 RTP/AVP 8 0 96"]);
    expect(negotiated).toMatchObject({
      codec: "PCMA",
      payloadType: 8,
      alternatePayloadType: 0,
      telephoneEvent: { sendPayloadType: 96, receivePayloadType: 96 },
      comfortNoisePayloadType: -1,
      remoteRtp: { address: "192.0.2.7", port: 4000 },
      remoteRtcp: { address: "192.0.2.7", port: 4001 },
      srtp: null,
    });
  });

  it("tells formats by name, rate and channels, not by number", () => {
    const { negotiated, text } = answer(
      remote(
        "m=audio 4000 RTP/AVP 0 110 111 112",
        "a=rtpmap:0 G729/8000",
        "a=rtpmap:110 pcmu/16000",
        "a=rtpmap:111 PCMU/8000/2",
        "a=rtpmap:112 pcmu/8000/1",
      ),
    );
    expect(negotiated).toMatchObject({
      codec: "PCMU",
      payloadType: 112,
      alternatePayloadType: -1,
      telephoneEvent: null,
    });
    expect(text).toContain("a=rtpmap:112 PCMU/8000\r\n");
  });

  it("takes comfort noise 13 when offered", () => {
    const { negotiated, text } = answer(remote("m=audio 4000 RTP/AVP 0 13"));
    expect(negotiated.comfortNoisePayloadType).toBe(13);
    expect(mediaLines(text)).toEqual(["m=audio 20000 RTP/AVP 0 13"]);
  });

  it("does not use payload types that look like RTCP (RFC 5761 §4) or do not exist", () => {
    const offer = remote("m=audio 4000 RTP/AVP 72 200 x 0", "a=rtpmap:72 PCMA/8000", "a=rtpmap:200 PCMA/8000");
    expect(mediaLines(answer(offer).text)).toEqual(["m=audio 20000 RTP/AVP 0"]);
  });

  it("takes the first acceptable audio stream, all others get port 0 in the same order", () => {
    const { text } = answer(
      remote(
        "m=video 5000 RTP/AVP 99",
        "m=audio 4000 RTP/AVP 18",
        "m=audio 4002 RTP/AVP 0",
        "m=audio 4004 RTP/AVP 8",
        "m=image 4006 udptl t38",
      ),
    );
    expect(mediaLines(text)).toEqual([
      "m=video 0 RTP/AVP 99",
      "m=audio 0 RTP/AVP 18",
      "m=audio 20000 RTP/AVP 0",
      "m=audio 0 RTP/AVP 8",
      "m=image 0 udptl t38",
    ]);
  });

  it.each([
    ["only video", remote("m=video 5000 RTP/AVP 99"), "no-audio", 304],
    ["T.38 alone (SDP-19)", remote("m=image 4006 udptl t38"), "no-audio", 304],
    ["audio at port 0", remote("m=audio 0 RTP/AVP 0"), "no-audio", 304],
    ["no codec of ours", remote("m=audio 4000 RTP/AVP 18 3"), "no-codec", 305],
    ["only telephone-event", remote("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), "no-codec", 305],
    ["DTLS", remote("m=audio 4000 UDP/TLS/RTP/SAVPF 0"), "unsupported-profile", 302],
  ])("refuses with 488 and alert 32102: %s", (_name, offer, reason, warningCode) => {
    expect(refused(() => answer(offer))).toMatchObject({ status: 488, reason, warningCode, alertCode: 32102 });
  });

  it("says what was offered and what is supported", () => {
    expect(refused(() => answer(remote("m=audio 4000 RTP/AVP 18 3"))).message).toBe(
      "codecs 18, 3 were offered, supported are PCMU, PCMA",
    );
  });
});

describe("SDP-7 packet time", () => {
  it.each([
    [[], 20],
    [["a=ptime:10"], 10],
    [["a=ptime:30"], 30],
    [["a=ptime:60"], 60],
    [["a=ptime:15"], 20],
    [["a=ptime:25"], 20],
    [["a=ptime:0"], 20],
    [["a=ptime:70"], 20],
    [["a=ptime:99999999999999999999"], 20],
    [["a=ptime:-20"], 20],
    [["a=ptime:20.5"], 20],
    [["a=maxptime:10"], 10],
    [["a=ptime:60", "a=maxptime:45"], 40],
    [["a=maxptime:3"], 10],
    [["a=ptime:40", "a=maxptime:120"], 40],
  ])("%j gives %i ms", (lines, ptimeMs) => {
    const { negotiated, text } = answer(remote("m=audio 4000 RTP/AVP 0", ...lines));
    expect(negotiated.ptimeMs).toBe(ptimeMs);
    expect(text).toContain(`a=ptime:${ptimeMs}\r\n`);
  });
});

describe("SDP-8, SDP-9 direction and hold", () => {
  const both = { sending: true, receiving: true };
  it.each([
    [[], "sendrecv", both, false],
    [["a=sendonly"], "recvonly", { sending: false, receiving: true }, true],
    [["a=recvonly"], "sendonly", { sending: true, receiving: false }, false],
    [["a=inactive"], "inactive", { sending: false, receiving: false }, true],
    [["c=IN IP4 0.0.0.0"], "recvonly", { sending: false, receiving: true }, true],
    [["c=IN IP4 0.0.0.0", "a=sendonly"], "recvonly", { sending: false, receiving: true }, true],
    [["c=IN IP4 0.0.0.0", "a=inactive"], "inactive", { sending: false, receiving: false }, true],
  ])("%j is answered %s", (lines, expected, direction, held) => {
    const { negotiated, answer: made } = answer(remote("m=audio 4000 RTP/AVP 0", ...lines));
    expect(attributeOf(made.media[0]!, expected)).toBeNull();
    expect(negotiated.direction).toEqual(direction);
    expect(negotiated.heldByRemote).toBe(held);
    if (lines.some((line) => line.includes("0.0.0.0"))) expect(negotiated.remoteRtp).toBeNull();
  });

  it("lets the session level count where the media level is silent", () => {
    const text = (line: string) => remote("m=audio 4000 RTP/AVP 0", line).replace("t=0 0", "t=0 0\r\na=inactive");
    expect(answer(text("a=x")).negotiated.direction).toEqual({ sending: false, receiving: false });
    expect(answer(text("a=sendrecv")).negotiated.direction).toEqual(both);
  });

  it("narrows by what we want ourselves", () => {
    const { answer: made, negotiated } = answer(remote("m=audio 4000 RTP/AVP 0"), {
      direction: { sending: true, receiving: false },
    });
    expect(attributeOf(made.media[0]!, "sendonly")).toBeNull();
    expect(negotiated.direction).toEqual({ sending: true, receiving: false });
  });
});

describe("SDP-13, SDP-14, R-SEC-3, R-SEC-4 profiles", () => {
  const plain = remote("m=audio 4000 RTP/AVP 0");
  const secure = remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80);
  const both = remote("m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0", CRYPTO_80);

  it("refuses SAVP on a plain trunk with 488, alert 32207", () => {
    expect(refused(() => answer(secure))).toMatchObject({ status: 488, alertCode: 32207, reason: "srtp-not-enabled" });
  });

  it("refuses AVP on a secure trunk with 488, alert 32208", () => {
    expect(refused(() => answer(plain, { security: "required" }))).toMatchObject({ status: 488, alertCode: 32208 });
  });

  it.each([
    ["none", both, ["m=audio 20000 RTP/AVP 0", "m=audio 0 RTP/SAVP 0"]],
    ["required", both, ["m=audio 0 RTP/AVP 0", "m=audio 20000 RTP/SAVP 0"]],
    ["optional", both, ["m=audio 0 RTP/AVP 0", "m=audio 20000 RTP/SAVP 0"]],
    ["optional", plain, ["m=audio 20000 RTP/AVP 0"]],
    ["optional", secure, ["m=audio 20000 RTP/SAVP 0"]],
  ] as const)("security %s takes the right line", (security, offer, lines) => {
    expect(mediaLines(answer(offer, { security }).text)).toEqual(lines);
  });

  it.each([
    ["RTP/AVPF", "none"],
    ["RTP/SAVPF", "required"],
  ] as const)("treats %s as its plain sister and answers with the same name", (protocol, security) => {
    const { text } = answer(remote(`m=audio 4000 ${protocol} 0`, CRYPTO_80), { security });
    expect(mediaLines(text)).toEqual([`m=audio 20000 ${protocol} 0`]);
  });

  it("ignores a=crypto in RTP/AVP", () => {
    const { negotiated, text } = answer(remote("m=audio 4000 RTP/AVP 0", CRYPTO_80), { security: "optional" });
    expect(negotiated.srtp).toBeNull();
    expect(text).not.toContain("a=crypto");
  });
});

describe("SDP-SEC-2, R-SEC-8, R-SEC-9 keys in answers", () => {
  it.each([
    [[CRYPTO_80, CRYPTO_32], 1, "AES_CM_128_HMAC_SHA1_80", KEY_A],
    [[CRYPTO_32, CRYPTO_80], 2, "AES_CM_128_HMAC_SHA1_32", KEY_B],
    [[`${CRYPTO_80}|1:4`, CRYPTO_32], 2, "AES_CM_128_HMAC_SHA1_32", KEY_B],
    [RTPENGINE_CRYPTO, 7, "AES_CM_128_HMAC_SHA1_80", "A".repeat(40)],
  ] as const)("%j: tag %i", (lines, tag, suite, theirKey) => {
    const { answer: made, negotiated } = answer(remote("m=audio 4000 RTP/SAVP 0", ...lines), { security: "required" });
    const ours = Buffer.from(negotiated.srtp!.sendKeySalt).toString("base64");
    expect(made.media[0]!.attributes.filter(({ name }) => name === "crypto")).toEqual([
      { name: "crypto", value: `${tag} ${suite} inline:${ours}` },
    ]);
    expect(negotiated.srtp!.suite).toBe(suite);
    expect(Buffer.from(negotiated.srtp!.receiveKeySalt).toString("base64")).toBe(theirKey);
    expect(ours).not.toBe(theirKey);
  });

  it.each([[[]], [[`${CRYPTO_80}|1:4`]], [[`${CRYPTO_80} UNENCRYPTED_SRTP`]]])("refuses %j with 488", (lines) => {
    const error = refused(() => answer(remote("m=audio 4000 RTP/SAVP 0", ...lines), { security: "required" }));
    expect(error).toMatchObject({ status: 488, alertCode: 32208, reason: "no-acceptable-crypto" });
    expect(error.message).not.toContain(KEY_A);
  });
});

describe("SDP-15, SDP-16 addresses", () => {
  it.each([
    ["multicast", "c=IN IP4 224.2.1.1/127"],
    ["broadcast", "c=IN IP4 255.255.255.255"],
    ["a host name", "c=IN IP4 media.example.net"],
    ["the other family", "c=IN IP6 2001:db8::1"],
    ["multicast of IPv6", "c=IN IP6 ff02::1"],
    ["another network", "c=ATM NSAP 47.0091"],
  ])("refuses %s with 488", (_name, line) => {
    expect(refused(() => answer(remote("m=audio 4000 RTP/AVP 0", line)))).toMatchObject({
      status: 488,
      reason: "bad-address",
    });
  });

  it("refuses audio without any c= line with 400", () => {
    const offer = sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "t=0 0", "m=audio 4000 RTP/AVP 0");
    expect(refused(() => answer(offer)).status).toBe(400);
  });

  it("takes IPv6 when our own address is one", () => {
    const { negotiated } = answer(remote("m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1"), { address: "2001:db8::5" });
    expect(negotiated.remoteRtp).toEqual({ address: "2001:db8::1", port: 4000 });
  });

  it.each([
    [[], { address: "192.0.2.7", port: 4001 }, false],
    [["a=rtcp:4444"], { address: "192.0.2.7", port: 4444 }, false],
    [["a=rtcp:4444 IN IP4 192.0.2.9"], { address: "192.0.2.9", port: 4444 }, false],
    [["a=rtcp:4444 IN IP4 239.0.0.1"], { address: "192.0.2.7", port: 4001 }, false],
    [["a=rtcp:0"], { address: "192.0.2.7", port: 4001 }, false],
    [["a=rtcp:70000"], { address: "192.0.2.7", port: 4001 }, false],
    [["a=rtcp-mux", "a=rtcp:4444"], { address: "192.0.2.7", port: 4000 }, true],
  ])("%j: RTCP goes to %j", (lines, remoteRtcp, rtcpMux) => {
    const { negotiated, text } = answer(remote("m=audio 4000 RTP/AVP 0", ...lines));
    expect(negotiated).toMatchObject({ remoteRtcp, rtcpMux });
    expect(text.includes("a=rtcp-mux")).toBe(rtcpMux);
  });

  it("has no RTCP address beyond port 65535", () => {
    expect(answer(remote("m=audio 65535 RTP/AVP 0")).negotiated.remoteRtcp).toBeNull();
  });

  it("ignores ICE, bandwidth, SSRC and fingerprint lines (SDP-17)", () => {
    const noise = [
      "b=AS:64",
      "a=ssrc:1 cname:x",
      "a=candidate:1 1 UDP 1 192.0.2.1 1 typ host",
      "a=ice-ufrag:x",
      "a=fingerprint:sha-1 00",
    ];
    expect(answer(remote("m=audio 4000 RTP/AVP 0", ...noise)).text).toBe(answer(remote("m=audio 4000 RTP/AVP 0")).text);
  });
});

describe("SDP-21, SDP-SEC-10 answers to our offer", () => {
  const offer = createOffer(local(), { randomBytes: countingBytes() });
  const secureOffer = createOffer(local({ security: "required" }), { randomBytes: countingBytes() });
  const apply = (text: string) => applyAnswer(offer, parseSession(text), local());
  const applySecure = (text: string) => applyAnswer(secureOffer, parseSession(text), local({ security: "required" }));

  it("reads a plain answer", () => {
    expect(
      apply(remote("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000", "a=ptime:30")),
    ).toMatchObject({
      codec: "PCMA",
      payloadType: 8,
      receivePayloadType: 8,
      alternatePayloadType: -1,
      telephoneEvent: { sendPayloadType: 101, receivePayloadType: 101 },
      ptimeMs: 30,
      srtp: null,
    });
  });

  it("sends with their number and receives with ours (SDP-6)", () => {
    const negotiated = apply(remote("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"));
    expect(negotiated.telephoneEvent).toEqual({ sendPayloadType: 96, receivePayloadType: 101 });
  });

  it("passes over extra formats after the first", () => {
    expect(apply(remote("m=audio 4000 RTP/AVP 0 18")).codec).toBe("PCMU");
    expect(apply(remote("m=audio 4000 RTP/AVP 101 8", "a=rtpmap:101 telephone-event/8000")).codec).toBe("PCMA");
  });

  it("takes mux only when both said it", () => {
    expect(apply(remote("m=audio 4000 RTP/AVP 0", "a=rtcp-mux")).rtcpMux).toBe(false);
    const muxed = createOffer(local({ offerRtcpMux: true }), { randomBytes: countingBytes() });
    const both = applyAnswer(muxed, parseSession(remote("m=audio 4000 RTP/AVP 0", "a=rtcp-mux")), local());
    expect(both).toMatchObject({ rtcpMux: true, remoteRtcp: { address: "192.0.2.7", port: 4000 } });
  });

  it("takes the keys of both sides", () => {
    const negotiated = applySecure(remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80));
    expect(negotiated.srtp).toMatchObject({
      suite: "AES_CM_128_HMAC_SHA1_80",
      sendKeySalt: new Uint8Array(30).fill(1),
    });
    expect(Buffer.from(negotiated.srtp!.receiveKeySalt).toString("base64")).toBe(KEY_A);
  });

  it.each([
    ["one m= line more", remote("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 99")],
    ["another kind", remote("m=video 4000 RTP/AVP 0")],
    ["the stream refused", remote("m=audio 0 RTP/AVP 0")],
    ["another profile", remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80)],
    ["a codec that was not offered", remote("m=audio 4000 RTP/AVP 18")],
    ["a codec that was not offered in front", remote("m=audio 4000 RTP/AVP 18 0")],
  ])("refuses %s", (_name, text) => {
    expect(refused(() => apply(text))).toMatchObject({ status: 488, reason: "answer-violates-offer" });
  });

  it.each([
    ["plain RTP", remote("m=audio 4000 RTP/AVP 0")],
    ["another tag", remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80.replace(":1 ", ":2 "))],
    ["another suite", remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80.replace("SHA1_80", "SHA1_32"))],
    ["two lines", remote("m=audio 4000 RTP/SAVP 0", CRYPTO_80, CRYPTO_32)],
    [
      "our own key",
      remote(
        "m=audio 4000 RTP/SAVP 0",
        `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 1).toString("base64")}`,
      ),
    ],
  ])("refuses an answer to SAVP with %s", (_name, text) => {
    expect(refused(() => applySecure(text))).toMatchObject({ status: 488, reason: "answer-violates-offer" });
  });

  it("refuses an answer to SAVP without a key", () => {
    expect(refused(() => applySecure(remote("m=audio 4000 RTP/SAVP 0"))).status).toBe(488);
  });
});

describe("SDP-10 to SDP-12, SDP-SEC-6, SDP-SEC-7 later rounds", () => {
  const secureLines = (key: string, ...more: string[]) => [
    "m=audio 4000 RTP/SAVP 0 8",
    `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ...more,
  ];

  it("answers a repeated offer with the same description and key", () => {
    const first = answer(remote(...secureLines(KEY_A)), { security: "required" });
    const second = answer(remote(...secureLines(KEY_A)), { security: "required" }, first.agreed);
    expect(second.text).toBe(first.text);
    expect(second.negotiated).toEqual(first.negotiated);
  });

  it("counts the version up by one on a change, and keeps the key through a hold", () => {
    const first = answer(remote(...secureLines(KEY_A)), { security: "required" });
    const held = answer(remote(...secureLines(KEY_A, "a=sendonly")), { security: "required" }, first.agreed);
    expect(held.answer.origin).toMatchObject({ sessionId: "4711", sessionVersion: "2" });
    expect(held.negotiated.srtp).toEqual(first.negotiated.srtp);
    const resumed = answer(remote(...secureLines(KEY_A)), { security: "required" }, held.agreed);
    expect(resumed.answer.origin.sessionVersion).toBe("3");
    expect(resumed.negotiated.srtp).toEqual(first.negotiated.srtp);
  });

  it("keeps the key when only the address moves", () => {
    const first = answer(remote(...secureLines(KEY_A)), { security: "required" });
    const moved = answer(remote(...secureLines(KEY_A, "c=IN IP4 192.0.2.99")), { security: "required" }, first.agreed);
    expect(moved.negotiated.remoteRtp?.address).toBe("192.0.2.99");
    expect(moved.negotiated.srtp).toEqual(first.negotiated.srtp);
  });

  it("takes a new key of ours when theirs is new or the suite changes (hardening R13)", () => {
    const offer = parseSession(remote(...secureLines(KEY_A)));
    const randomBytes = countingBytes();
    const secure = local({ security: "required" });
    const first = answerOffer(offer, secure, { randomBytes });
    const previous = { local: first.answer, remote: offer };
    for (const lines of [secureLines(KEY_B), secureLines(KEY_A).map((line) => line.replace("SHA1_80", "SHA1_32"))]) {
      const { negotiated } = answerOffer(parseSession(remote(...lines)), secure, { randomBytes, previous });
      expect(negotiated.srtp!.sendKeySalt).not.toEqual(first.negotiated.srtp!.sendKeySalt);
    }
  });

  it("refuses an offer with fewer m= lines than before (SDP-12)", () => {
    const first = answer(remote("m=audio 4000 RTP/AVP 0", "m=video 5000 RTP/AVP 99"));
    expect(refused(() => answer(remote("m=audio 4000 RTP/AVP 0"), {}, first.agreed))).toMatchObject({
      status: 488,
      reason: "stream-removed",
    });
  });

  it("answers an added stream with port 0 (SDP-11)", () => {
    const first = answer(remote("m=audio 4000 RTP/AVP 0"));
    const second = answer(remote("m=audio 4000 RTP/AVP 0", "m=image 5000 udptl t38"), {}, first.agreed);
    expect(mediaLines(second.text)).toEqual(["m=audio 20000 RTP/AVP 0", "m=image 0 udptl t38"]);
  });

  it("re-offers with the lines, numbers, key and identifier of the session", () => {
    const first = answer(
      remote(
        "m=video 5000 RTP/AVP 99",
        "m=audio 4000 RTP/SAVP 8 96 101",
        "a=rtpmap:96 telephone-event/8000",
        "a=rtpmap:101 opus/48000/2",
        CRYPTO_32,
      ),
      { security: "required" },
    );
    const offer = createOffer(local({ security: "required", direction: { sending: true, receiving: false } }), {
      randomBytes: () => expect.fail("a key was made"),
      previous: first.agreed,
    });
    expect(mediaLines(formatSession(offer))).toEqual(["m=video 0 RTP/AVP 99", "m=audio 20000 RTP/SAVP 8 0 96"]);
    expect(offer.origin).toMatchObject({ sessionId: "4711", sessionVersion: "2" });
    const crypto = (session: typeof offer) => attributeOf(session.media[1]!, "crypto");
    expect(crypto(offer)).toBe(crypto(first.answer));
    expect(attributeOf(offer.media[1]!, "sendonly")).toBeNull();
  });

  it("re-offers the same text with the same version, and rekeys when asked", () => {
    const secure = local({ security: "required" });
    const randomBytes = countingBytes();
    const offer = createOffer(secure, { randomBytes });
    const previous = {
      local: offer,
      remote: parseSession(remote("m=audio 4000 RTP/SAVP 0 8 101", "a=rtpmap:101 telephone-event/8000", CRYPTO_80)),
    };
    expect(formatSession(createOffer(secure, { randomBytes, previous }))).toBe(formatSession(offer));
    const rekeyed = createOffer(secure, { randomBytes, previous, rekey: true });
    expect(rekeyed.origin.sessionVersion).toBe("2");
    expect(attributeOf(rekeyed.media[0]!, "crypto")).not.toBe(attributeOf(offer.media[0]!, "crypto"));
  });

  it("never gives a number of the session to another codec (SDP-6)", () => {
    const first = answer(remote("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 G722/8000"));
    const offer = createOffer(local(), { randomBytes: countingBytes(), previous: first.agreed });
    expect(mediaLines(formatSession(offer))).toEqual(["m=audio 20000 RTP/AVP 0 8 96"]);
  });
});
