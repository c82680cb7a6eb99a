/** Conferences of the media core: who hears whom, how loud, and what belongs to a conference beside its legs. */
import { describe, expect, it } from "vitest";
import type { MemberOptions } from "../../src/media/conferences.ts";
import { amplitudeAt, effective, nearestUlaw, sineUlaw, ulawSample } from "../support/g711-tables.ts";
import { Meeting, type Party } from "../support/meeting.ts";

/** Frequencies with a whole number of periods in 160 samples: any run of frames measures them exactly. */
const TONES = [500, 700, 900, 1100, 1300, 1500, 1700, 1900];
const tone = (index: number, amplitude = 4000) => sineUlaw(TONES[index]!, amplitude, 160);

/** A conference of `count` legs, each saying a tone of its own, after it has settled. */
function meeting(count: number, members: readonly MemberOptions[] = [], amplitude = 4000) {
  const meet = new Meeting();
  const conference = meet.core.openConference();
  const parties = Array.from({ length: count }, (_, i) => {
    const party = meet.party();
    party.say = i < TONES.length ? tone(i, amplitude) : undefined;
    meet.core.joinConference(conference, party.leg, members[i]);
    return party;
  });
  return { meet, core: meet.core, conference, parties };
}

/** Which of the tones a party hears, by number. */
function hears(party: Party, octets: Buffer = party.heard): number[] {
  return TONES.flatMap((frequency, i) => (amplitudeAt(octets, frequency) > 2000 ? [i] : []));
}

describe("mix-minus", () => {
  it.each([2, 3, 5, 8])("%i legs: each hears all others and never itself", (count) => {
    const { meet, parties } = meeting(count);
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    parties.forEach((party, own) => {
      expect(party.received).toHaveLength(20);
      expect(hears(party)).toEqual(parties.flatMap((_, i) => (i === own ? [] : [i])));
      expect(amplitudeAt(party.heard, TONES[own]!)).toBeLessThan(60);
    });
  });

  it("is exact: the octets are the nearest to the sum of the samples of the others", () => {
    const { meet, parties } = meeting(3);
    meet.pass(200);
    meet.forget();
    meet.pass(100);
    const [a, b] = [tone(1), tone(2)];
    const sums = Array.from({ length: 160 }, (_, i) => ulawSample(a[i]!) + ulawSample(b[i]!));
    const wanted = sums.map((sum) => ulawSample(nearestUlaw(sum)));
    const got = [...parties[0]!.received[2]!.payload].map(ulawSample);
    // Steps of mu-law at a decision threshold: either neighbour is as near.
    got.forEach((sample, i) => {
      expect(Math.abs(sample - sums[i]!)).toBeLessThanOrEqual(Math.abs(wanted[i]! - sums[i]!) + 16);
    });
  });

  it("one voice among 64 is as loud as between two, octet by octet", () => {
    const { meet, parties } = meeting(64);
    for (const party of parties.slice(1)) party.say = undefined;
    meet.pass(200);
    meet.forget();
    meet.pass(200);
    const said = tone(0);
    for (const party of parties.slice(1)) expect(party.received[3]!.payload.equals(said)).toBe(true);
    // Who speaks alone hears nobody.
    expect(parties[0]!.heard.every((octet) => octet === 0xff)).toBe(true);
  });

  it("saturates: eight voices at full scale are a loud sum without wrapping", () => {
    const meet = new Meeting();
    const conference = meet.core.openConference();
    const loud = sineUlaw(500, 30_000, 160);
    const parties = Array.from({ length: 9 }, (_, i) => {
      const party = meet.party();
      party.say = i > 0 ? loud : undefined;
      meet.core.joinConference(conference, party.leg);
      return party;
    });
    meet.pass(200);
    meet.forget();
    meet.pass(100);
    const listener = parties[0]!.received[2]!.payload;
    listener.forEach((octet, i) => {
      const own = ulawSample(loud[i]!);
      if (Math.abs(own) > 4500) expect(ulawSample(octet)).toBe(Math.sign(own) * 32_124);
      else if (own !== 0) expect(Math.sign(ulawSample(octet))).toBe(Math.sign(own));
    });
  });

  it("R-MEDIA-6: A-law and mu-law legs, and packets of 10 to 60 ms, in one conference", () => {
    const meet = new Meeting();
    const conference = meet.core.openConference();
    const speaker = meet.party();
    speaker.say = tone(0);
    meet.core.joinConference(conference, speaker.leg);
    const listeners = [10, 20, 30, 40, 60].flatMap((ptimeMs) =>
      (["PCMU", "PCMA"] as const).map((codec) => ({ ptimeMs, codec, party: meet.party({ ptimeMs, codec }) })),
    );
    for (const { party } of listeners) meet.core.joinConference(conference, party.leg);
    meet.pass(300);
    meet.forget();
    meet.pass(600);
    for (const { party, ptimeMs, codec } of listeners) {
      expect(party.received.every(({ payload }) => payload.length === ptimeMs * 8)).toBe(true);
      expect(Math.abs(party.heard.length - 4800)).toBeLessThanOrEqual(480);
      for (let i = 1; i < party.received.length; i++) {
        const [before, after] = [party.received[i - 1]!, party.received[i]!];
        expect((after.timestamp - before.timestamp) >>> 0).toBe(ptimeMs * 8);
        expect((after.sequence - before.sequence) & 0xffff).toBe(1);
      }
      if (codec === "PCMU") expect(hears(party)).toEqual([0]);
      else expect(party.received.every(({ payloadType }) => payloadType === 8)).toBe(true);
    }
  });
});

describe("silence, DTX and comfort noise stay out of the mix", () => {
  it("legs that send silence, comfort noise or nothing add nothing: not one octet changes", () => {
    const { meet, parties } = meeting(6);
    const [, , quiet, idle, noisy, gone] = parties;
    quiet!.say = Buffer.alloc(160, 0xff);
    // The idle channel of an A-law source: the smallest steps around 0.
    idle!.say = Buffer.from(Array.from({ length: 160 }, (_, i) => (i % 2 ? 0xfe : 0x7e)));
    noisy!.say = undefined;
    gone!.say = undefined;
    meet.arrive(noisy!, noisy!.source.next(Buffer.from([40]), { payloadType: 13, samples: 0 }));
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    const said = tone(0);
    for (const frame of parties[1]!.received.slice(1)) expect(frame.payload.equals(said)).toBe(true);
  });

  it("an empty room is silence and continuous RTP (SDP-9)", () => {
    const { meet, parties } = meeting(2);
    for (const party of parties) party.say = undefined;
    meet.pass(400);
    for (const party of parties) {
      expect(party.received.length).toBeGreaterThanOrEqual(19);
      expect(party.heard.every((octet) => octet === 0xff)).toBe(true);
    }
  });
});

describe("members", () => {
  it("muted: nobody hears it, it hears all; deaf: it hears nobody, all hear it", () => {
    const { meet, parties, core, conference } = meeting(4, [{}, { muted: true }, { deaf: true }]);
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    expect(parties.map((party) => hears(party))).toEqual([[2, 3], [0, 2, 3], [], [0, 2]]);
    core.joinConference(conference, parties[1]!.leg);
    core.joinConference(conference, parties[2]!.leg, { muted: true, deaf: false });
    meet.pass(100);
    meet.forget();
    meet.pass(400);
    expect(parties.map((party) => hears(party))).toEqual([
      [1, 3],
      [0, 3],
      [0, 1, 3],
      [0, 1],
    ]);
  });

  it("SDP-9: a held leg adds nothing and is sent nothing, and comes back", () => {
    const { meet, parties, core } = meeting(3);
    core.configureLeg(parties[0]!.leg, { sending: false, receiving: false }, 0);
    meet.pass(200);
    meet.forget();
    meet.pass(200);
    expect(parties[0]!.received).toEqual([]);
    expect(hears(parties[1]!)).toEqual([2]);
    core.configureLeg(parties[0]!.leg, { sending: true, receiving: true }, meet.nowMs);
    meet.pass(200);
    meet.forget();
    meet.pass(200);
    expect(hears(parties[0]!)).toEqual([1, 2]);
    expect(hears(parties[1]!)).toEqual([0, 2]);
  });

  it("leaving, closing and bridging take a leg out; the others go on", () => {
    const { meet, parties, core, conference } = meeting(5);
    meet.pass(100);
    core.leaveConference(parties[0]!.leg);
    core.closeLeg(parties[1]!.leg, meet.nowMs);
    core.bridge(parties[0]!.leg, parties[2]!.leg, meet.nowMs);
    expect(core.conferenceSize(conference)).toBe(2);
    expect(parties.map(({ leg }) => core.conferenceOf(leg))).toEqual([-1, -1, -1, conference, conference]);
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    expect(hears(parties[0]!)).toEqual([2]);
    expect(hears(parties[2]!)).toEqual([0]);
    expect(hears(parties[3]!)).toEqual([4]);
    expect(hears(parties[4]!)).toEqual([3]);
  });

  it("who goes from one conference to another is heard there only", () => {
    const { meet, parties, core } = meeting(4);
    const other = core.openConference();
    for (const { leg } of parties.slice(2)) core.joinConference(other, leg);
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    expect(parties.map((party) => hears(party))).toEqual([[1], [0], [3], [2]]);
  });

  it("numbers and times of what a leg is sent go on when it joins and leaves", () => {
    const { meet, parties, core, conference } = meeting(3);
    const [party] = parties;
    meet.pass(205);
    core.leaveConference(party!.leg);
    meet.pass(195);
    core.joinConference(conference, party!.leg);
    meet.pass(205);
    core.bridge(party!.leg, parties[1]!.leg, meet.nowMs);
    meet.pass(200);
    const packets = party!.received;
    for (let i = 1; i < packets.length; i++) {
      expect((packets[i]!.sequence - packets[i - 1]!.sequence) & 0xffff).toBe(1);
      const step = (packets[i]!.timestamp - packets[i - 1]!.timestamp) >>> 0;
      // Where another takes over there may be a pause of less than two frames.
      expect(step).toBeGreaterThanOrEqual(160);
      expect(step).toBeLessThanOrEqual(480);
    }
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
  });

  it("legs that were open before in other phases of the frame are all in the mix", () => {
    const { meet, parties } = meeting(8);
    meet.pass(100);
    meet.forget();
    const counts = () => parties.map(({ received }) => received.length);
    meet.pass(1000);
    expect(counts()).toEqual(parties.map(() => 50));
  });
});

describe("taps, streams, playback and announcements", () => {
  it("a tap: inbound is what the leg says, muted or not; outbound is what it hears", () => {
    const { meet, parties, core } = meeting(3, [{ muted: true }]);
    const tap = core.openTap({ leg: parties[0]!.leg, tracks: ["inbound", "outbound"] }, 0);
    meet.pass(200);
    meet.forget();
    meet.pass(400);
    expect(hears(parties[0]!, meet.tapped(tap, "inbound"))).toEqual([0]);
    expect(meet.tapped(tap, "outbound").equals(parties[0]!.heard)).toBe(true);
    expect(hears(parties[1]!)).toEqual([2]);
  });

  it("played into one leg: it alone hears it, over the others", () => {
    const { meet, parties, core } = meeting(3);
    meet.pass(200);
    meet.forget();
    core.play(parties[0]!.leg, Buffer.concat(Array(20).fill(tone(7))));
    meet.pass(400);
    expect(hears(parties[0]!)).toEqual([1, 2, 7]);
    expect(hears(parties[1]!)).toEqual([0, 2]);
  });

  it("announced: everybody hears it who is not deaf, over those who speak, to its end", () => {
    const { meet, parties, core, conference } = meeting(3, [{}, { deaf: true }]);
    meet.pass(200);
    meet.forget();
    const octets = Buffer.concat(Array(15).fill(tone(7)));
    expect(core.announce(conference, octets)).toBe(2400);
    expect(core.announceQueued(conference)).toBe(2400);
    meet.pass(300);
    expect(hears(parties[0]!)).toEqual([1, 2, 7]);
    expect(hears(parties[1]!)).toEqual([]);
    expect(core.announceQueued(conference)).toBe(0);
    core.announce(conference, octets);
    meet.pass(100);
    core.announceClear(conference);
    meet.pass(20);
    meet.forget();
    meet.pass(200);
    expect(hears(parties[2]!)).toEqual([0, 1]);
  });

  it("deaf legs hear music of their own", () => {
    const { meet, parties, core } = meeting(2, [{ deaf: true }]);
    meet.pass(100);
    meet.forget();
    core.play(parties[0]!.leg, Buffer.concat(Array(20).fill(tone(7))));
    meet.pass(400);
    expect(hears(parties[0]!)).toEqual([7]);
  });
});

describe("ports: the other half of a conference", () => {
  it("design.md 3: two conferences joined by their ports are one, for everybody in them", () => {
    const { meet, parties, core, conference } = meeting(2);
    const [left, right] = [conference, core.openConference()];
    const more = [2, 3].map((i) => {
      const party = meet.party();
      party.say = tone(i);
      core.joinConference(right, party.leg);
      return party;
    });
    const [a, b] = [core.openConferencePort(left), core.openConferencePort(right)];
    const block = new Int16Array(160);
    const exchange = () => {
      if (core.conferencePull(a, block)) core.conferencePush(b, block);
      if (core.conferencePull(b, block)) core.conferencePush(a, block);
    };
    meet.pass(300, exchange);
    meet.forget();
    meet.pass(400, exchange);
    const all = [...parties, ...more];
    expect(all.map((party) => hears(party))).toEqual([
      [1, 2, 3],
      [0, 2, 3],
      [0, 1, 3],
      [0, 1, 2],
    ]);
    // Nobody comes back as an echo over the port.
    all.forEach((party, own) => expect(amplitudeAt(party.heard, TONES[own]!)).toBeLessThan(60));
  });

  it("a port that only pulls hears the whole mix; what nobody pulls is kept for 80 ms and no longer", () => {
    const { meet, core, conference } = meeting(3);
    const port = core.openConferencePort(conference);
    meet.pass(1000);
    const block = new Int16Array(160);
    let count = 0;
    while (core.conferencePull(port, block)) count++;
    expect(count).toBe(4);
    const octets = Buffer.from([...block].map(nearestUlaw));
    expect(TONES.flatMap((frequency, i) => (amplitudeAt(octets, frequency) > 2000 ? [i] : []))).toEqual([0, 1, 2]);
  });

  it("pushes are bounded: the fifth block that waits is refused", () => {
    const { core, conference } = meeting(2);
    const port = core.openConferencePort(conference);
    const block = new Int16Array(160);
    expect(Array.from({ length: 5 }, () => core.conferencePush(port, block))).toEqual([true, true, true, true, false]);
  });
});

describe("bounds and wrong use", () => {
  const code = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      return String((error as { code?: string }).code ?? (error as Error).name);
    }
    return "none";
  };

  it("64 legs, the 65th is refused; a smaller bound is kept; leaving makes room", () => {
    const { meet, core, conference, parties } = meeting(64);
    const late = meet.party();
    expect(code(() => core.joinConference(conference, late.leg))).toBe("MEDIA_FULL");
    core.leaveConference(parties[10]!.leg);
    expect(code(() => core.joinConference(conference, late.leg))).toBe("none");
    const small = core.openConference({ legCountMax: 2 });
    for (const { leg } of parties.slice(0, 2)) core.joinConference(small, leg);
    expect(code(() => core.joinConference(small, parties[2]!.leg))).toBe("MEDIA_FULL");
    expect(code(() => core.joinConference(small, parties[1]!.leg, { muted: true }))).toBe("none");
    expect(core.conferenceSize(small)).toBe(2);
  });

  it("as many conferences as were asked for, a hundred thousand times over", () => {
    const { core } = new Meeting({ conferenceCountMax: 3 });
    for (let round = 0; round < 100_000; round++) core.closeConference(core.openConference());
    for (let i = 0; i < 3; i++) core.openConference();
    expect(code(() => core.openConference())).toBe("MEDIA_FULL");
    core.closeConference(1);
    expect(core.openConference()).toBe(1);
  });

  it("closing a conference frees its legs and its ports", () => {
    const { meet, parties, core, conference } = meeting(3);
    const port = core.openConferencePort(conference);
    core.closeConference(conference);
    expect(parties.map(({ leg }) => core.conferenceOf(leg))).toEqual([-1, -1, -1]);
    expect(code(() => core.conferencePush(port, new Int16Array(160)))).toBe("MEDIA_NO_CONFERENCE");
    expect(code(() => core.conferenceSize(conference))).toBe("MEDIA_NO_CONFERENCE");
    meet.pass(200);
    meet.forget();
    meet.pass(200);
    for (const party of parties) expect(effective(party.heard)).toBe(0);
  });

  it("names what is wrong", () => {
    const { core, conference, parties } = meeting(2);
    const { leg } = parties[0]!;
    const port = core.openConferencePort(conference);
    const any = (value: unknown) => value as never;
    expect(code(() => core.joinConference(7, leg))).toBe("MEDIA_NO_CONFERENCE");
    expect(code(() => core.joinConference(conference, 79))).toBe("MEDIA_NO_LEG");
    expect(() => core.joinConference(conference, leg, { muted: any(1) })).toThrowError(
      new TypeError("muted must be a boolean"),
    );
    expect(() => core.openConference({ legCountMax: 65 })).toThrowError(
      /^legCountMax must be a whole number from 2 to 64/,
    );
    expect(() => core.announce(conference, any("text"))).toThrowError(new TypeError("octets must be a Uint8Array"));
    expect(() => core.conferencePush(port, new Int16Array(80))).toThrowError(/^samples must have 160 samples, not 80/);
    expect(() => core.conferencePull(port, any([]))).toThrowError(new TypeError("into must be an Int16Array"));
    for (let i = 1; i < 8; i++) core.openConferencePort(conference);
    expect(code(() => core.openConferencePort(conference))).toBe("MEDIA_FULL");
  });
});
