/** IpRecords and SourceIpMappings by the unmodified client (trunking-rest.md 5.4, 5.5; R-NET-6 to R-NET-8). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { BASE_DOMAIN, clientFor, OTHER_ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const domain = (name: string, of = client) => of.sip.domains.create({ domainName: `${name}.sip.${BASE_DOMAIN}` });

describe("IP records", () => {
  it("R-NET-6 made, read, named anew, listed, deleted; the address never changes", async () => {
    const record = await client.voice.v1.ipRecords.create({ ipAddress: "192.0.2.0", cidrPrefixLength: 28 });
    expect(record).toMatchObject({ ipAddress: "192.0.2.0", cidrPrefixLength: 28, friendlyName: null });
    expect(record.sid).toMatch(/^IL[0-9a-f]{32}$/);
    expect(record.dateCreated).toBeInstanceOf(Date);
    expect(record.url).toBe(`${stage.url}/v1/IpRecords/${record.sid}`);
    await client.voice.v1.ipRecords(record.sid).update({ friendlyName: "carrier" });
    const fetched = await client.voice.v1.ipRecords(record.sid).fetch();
    expect(fetched).toMatchObject({ friendlyName: "carrier", ipAddress: "192.0.2.0", cidrPrefixLength: 28 });
    expect((await client.voice.v1.ipRecords.create({ ipAddress: "192.0.2.200" })).cidrPrefixLength).toBe(32);
    expect(await client.voice.v1.ipRecords.list({ pageSize: 1 })).toHaveLength(2);
    for (const { sid } of await client.voice.v1.ipRecords.list())
      expect(await client.voice.v1.ipRecords(sid).remove()).toBe(true);
    await expect(client.voice.v1.ipRecords(record.sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });

  it.each([
    [{ ipAddress: "2001:db8::1" }],
    [{ ipAddress: "192.0.2" }],
    [{ ipAddress: "192.0.2.1/24" }],
    [{ ipAddress: "192.0.2.1", cidrPrefixLength: 0 }],
    [{ ipAddress: "192.0.2.1", cidrPrefixLength: 33 }],
    [{ ipAddress: "192.0.2.1", friendlyName: "x".repeat(256) }],
  ])("%j is 400", async (given) => {
    await expect(client.voice.v1.ipRecords.create(given)).rejects.toMatchObject({ status: 400, code: 20001 });
  });

  it("R-NET-7 a record lies inside the ranges of an interconnect connection, or anywhere where that is allowed", async () => {
    const strict = await startRest(new MemoryStore(), {
      staticIp: { ranges: ["10.1.0.0/16"], anywhere: false, edges: [] },
    });
    try {
      const records = clientFor(strict).voice.v1.ipRecords;
      const inside = { ipAddress: "10.1.2.3", cidrPrefixLength: 24 };
      expect(await records.create(inside)).toMatchObject(inside);
      for (const outside of [
        { ipAddress: "10.2.0.1" },
        // Its beginning is inside, the whole is not.
        { ipAddress: "10.1.0.0", cidrPrefixLength: 15 },
      ])
        await expect(records.create(outside)).rejects.toMatchObject({ status: 400, code: 20001 });
    } finally {
      await strict.stop();
    }
  });
});

describe("source IP mappings", () => {
  it("R-NET-6 a mapping leads from source to domain at once, moves, and goes with its domain", async () => {
    const [one, two] = [await domain("one"), await domain("two")];
    const record = await client.voice.v1.ipRecords.create({ ipAddress: "198.51.100.0", cidrPrefixLength: 30 });
    expect(stage.store.domainBySource("198.51.100.2")).toBeUndefined();
    const mapping = await client.voice.v1.sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: one.sid });
    expect(mapping).toMatchObject({ ipRecordSid: record.sid, sipDomainSid: one.sid });
    expect(mapping.sid).toMatch(/^IB[0-9a-f]{32}$/);
    expect(stage.store.domainBySource("198.51.100.2")?.sid).toBe(one.sid);
    expect(stage.store.domainBySource("198.51.100.4")).toBeUndefined();
    const moved = await client.voice.v1.sourceIpMappings(mapping.sid).update({ sipDomainSid: two.sid });
    expect(moved.sipDomainSid).toBe(two.sid);
    expect(stage.store.domainBySource("198.51.100.2")?.sid).toBe(two.sid);
    // What is in use does not go.
    await expect(client.voice.v1.ipRecords(record.sid).remove()).rejects.toMatchObject({ status: 409, code: 20409 });
    expect(await client.voice.v1.sourceIpMappings.list()).toHaveLength(1);
    expect(await client.sip.domains(two.sid).remove()).toBe(true);
    await expect(client.voice.v1.sourceIpMappings(mapping.sid).fetch()).rejects.toMatchObject({ status: 404 });
    expect(stage.store.domainBySource("198.51.100.2")).toBeUndefined();
    expect(await client.voice.v1.ipRecords(record.sid).remove()).toBe(true);
    await client.sip.domains(one.sid).remove();
  });

  it("R-NET-8 a range that overlaps with another mapping is 400, that of another account too, and makes nothing", async () => {
    const other = clientFor(stage, OTHER_ACCOUNT);
    const mine = await domain("mine");
    const theirs = await domain("theirs", other);
    const record = await client.voice.v1.ipRecords.create({ ipAddress: "203.0.113.0", cidrPrefixLength: 24 });
    const overlapping = await other.voice.v1.ipRecords.create({ ipAddress: "203.0.113.9" });
    const apart = await other.voice.v1.ipRecords.create({ ipAddress: "203.0.114.9" });
    const mapping = await client.voice.v1.sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: mine.sid });
    const refused = { status: 400, code: 20001 };
    await expect(
      other.voice.v1.sourceIpMappings.create({ ipRecordSid: overlapping.sid, sipDomainSid: theirs.sid }),
    ).rejects.toMatchObject(refused);
    await expect(
      client.voice.v1.sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: mine.sid }),
    ).rejects.toMatchObject(refused);
    // Neither a record nor a domain of somebody else.
    await expect(
      other.voice.v1.sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: theirs.sid }),
    ).rejects.toMatchObject(refused);
    await expect(
      other.voice.v1.sourceIpMappings.create({ ipRecordSid: apart.sid, sipDomainSid: mine.sid }),
    ).rejects.toMatchObject(refused);
    expect(await other.voice.v1.sourceIpMappings.list()).toEqual([]);
    expect(stage.store.domainBySource("203.0.113.9")?.sid).toBe(mine.sid);
    await client.voice.v1.sourceIpMappings(mapping.sid).remove();
    await other.voice.v1.sourceIpMappings.create({ ipRecordSid: overlapping.sid, sipDomainSid: theirs.sid });
    expect(stage.store.domainBySource("203.0.113.9")?.sid).toBe(theirs.sid);
  });
});
