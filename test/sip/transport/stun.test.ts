/** STUN binding requests as keep-alives (RFC 5626 §4.4.2, RFC 5389). Octets of RFC 5769 where it has them. */
import { describe, expect, it } from "vitest";
import { answerBinding, isStun } from "../../../src/sip/transport/stun.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const ID = "b7e7a701bc34d686fa87dfae";
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const request = (attributes = ""): Uint8Array => {
  const length = (attributes.replaceAll(/\s/g, "").length / 2).toString(16).padStart(4, "0");
  return hex(`0001 ${length} 2112a442 ${ID} ${attributes}`);
};
const answer = (bytes: Uint8Array, address = "192.0.2.1", port = 32853): string | undefined => {
  const made = isStun(bytes) ? answerBinding(bytes, address, port) : undefined;
  return made && Buffer.from(made).toString("hex");
};

describe("RFC 5389 binding requests", () => {
  it("RFC 5769 2.2 the mapped address of the IPv4 sample response", () => {
    expect(answer(request())).toBe(`0101000c2112a442${ID}002000080001a147e112a643`);
  });

  it("RFC 5769 2.3 the mapped address of the IPv6 sample response", () => {
    expect(answer(request(), "2001:db8:1234:5678:11:2233:4455:6677")).toBe(
      `010100182112a442${ID}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`,
    );
  });

  it("RFC 5769 2.1 the sample request names PRIORITY, which is no keep-alive's: 420 with the unknown types", () => {
    const sample = `
      8022 0010 5354554e207465737420636c69656e74 0024 0004 6e0001ff 8029 0008 932ff9b151263b36
      0006 0009 6576746a3a68367659202020 0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 8028 0004 e57a3bcf`;
    expect(answer(request(sample))).toBe(`011100102112a442${ID}000900040000041400 0a00020024 0000`.replaceAll(" ", ""));
  });

  it("attributes that may be left out of account change nothing", () => {
    expect(answer(request("8022 0003 61626300"))).toBe(answer(request()));
  });

  it.each([
    ["another cookie", hex(`0001 0000 2112a443 ${ID}`)],
    ["a length that does not fit", hex(`0001 0004 2112a442 ${ID}`)],
    ["an indication", hex(`0011 0000 2112a442 ${ID}`)],
    ["an answer", hex(`0101 0000 2112a442 ${ID}`)],
    ["an attribute beyond the end", request("8022 0008 61626300")],
    ["too short", hex("0001 0000 2112a442")],
    ["SIP", Buffer.from("OPTIONS sip:a SIP/2.0\r\n\r\n")],
  ])("%s gets no answer", (_what, bytes) => {
    expect(answer(bytes)).toBeUndefined();
  });

  it("SIP-OVL-4 no answer is larger than three times its request, whatever it holds", () => {
    const random = seededRandom(5389);
    let answered = 0;
    for (let run = 0; run < 5000; run++) {
      const words = Math.floor(random() * 12);
      const bytes = Uint8Array.from(request("00000000".repeat(words)));
      for (let i = 20; i < bytes.length; i++) bytes[i] = random() < 0.6 ? 0 : Math.floor(random() * 256);
      const made = isStun(bytes) ? answerBinding(bytes, "2001:db8::1", 5060) : undefined;
      if (made === undefined) continue;
      answered++;
      expect(made.length).toBeLessThanOrEqual(3 * bytes.length);
    }
    expect(answered).toBeGreaterThan(500);
  });
});
