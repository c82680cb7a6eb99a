/** hardening R20: what a URL of somebody else may make the gateway connect to. */
import { describe, expect, it } from "vitest";
import { AddressDeniedError, AddressGuard, type Lookup } from "../../src/voice/ssrf.ts";

const none = new AddressGuard({ allowAll: false, allow: [] });

const DENIED = [
  "127.0.0.1",
  "127.1.2.3",
  "0.0.0.0",
  "10.0.0.1",
  "10.255.255.255",
  "172.16.0.1",
  "172.31.255.254",
  "192.168.0.1",
  "169.254.169.254",
  "169.254.0.1",
  "100.64.0.1",
  "224.0.0.1",
  "239.255.255.255",
  "255.255.255.255",
  "192.0.2.1",
  "198.51.100.1",
  "203.0.113.1",
  "198.18.0.1",
  "240.0.0.1",
  "::",
  "::1",
  "[::1]",
  "fe80::1",
  "fe80::1%eth0",
  "fc00::1",
  "fd12:3456::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:7f00:1",
  "64:ff9b::7f00:1",
  "64:ff9b::a00:1",
  "2002:7f00:1::",
  "2002:a00:1::1",
  "2001:db8::1",
  "0177.0.0.1",
  "2130706433",
  "0x7f.1",
  "127.1",
  "localhost",
  "017700000001",
  "::127.0.0.1",
];

describe("hardening R20", () => {
  it.each(DENIED)("%s is not reached", (address) => {
    expect(none.permits(address)).toBe(false);
  });

  it.each(["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])(
    "%s is public",
    (address) => {
      expect(none.permits(address)).toBe(true);
    },
  );

  it("an operator may open ranges, and nothing beside them", () => {
    const guard = new AddressGuard({ allowAll: false, allow: ["127.0.0.0/8", "fd00::/8", "10.1.2.3"] });
    expect(["127.9.9.9", "fd01::1", "10.1.2.3", "::ffff:127.0.0.1"].map((address) => guard.permits(address))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(["10.1.2.4", "::1", "192.168.1.1"].map((address) => guard.permits(address))).toEqual([false, false, false]);
    expect(() => new AddressGuard({ allowAll: false, allow: ["here"] })).toThrow(RangeError);
  });

  it("what a name resolves to counts, and that address is the one to connect to", async () => {
    const lookup: Lookup = (host, _options, done) =>
      done(
        null,
        host === "mixed.example"
          ? [
              { address: "127.0.0.1", family: 4 },
              { address: "8.8.4.4", family: 4 },
            ]
          : [{ address: "10.0.0.1", family: 4 }],
      );
    const guard = new AddressGuard({ allowAll: false, allow: [] }, lookup);
    expect(await guard.resolve("mixed.example")).toEqual({ address: "8.8.4.4", family: 4 });
    await expect(guard.resolve("inner.example")).rejects.toBeInstanceOf(AddressDeniedError);
    await expect(guard.resolve("[::1]")).rejects.toBeInstanceOf(AddressDeniedError);
  });
});
