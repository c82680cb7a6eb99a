/** Status callbacks in order, bounded, never waited for (twiml.md 4.3, R-BYOC-8), and media files with their cache (twiml.md 2.6). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CallbackQueue } from "../../src/voice/callbacks.ts";
import { MediaFetcher } from "../../src/voice/media-fetch.ts";
import { AddressGuard } from "../../src/voice/ssrf.ts";
import { WebhookClient } from "../../src/voice/webhook.ts";
import { HttpPeer } from "../support/http-peer.ts";
import { ManualClock } from "../support/manual-clock.ts";

const client = new WebhookClient({
  clock: new ManualClock(),
  guard: new AddressGuard({ allowAll: false, allow: ["127.0.0.1"] }),
});
let peer: HttpPeer;
/** Answers that the peer holds back until the test lets them go. */
const held: (() => void)[] = [];
let files = 0;

beforeAll(async () => {
  peer = await HttpPeer.start(({ url, headers }, response) => {
    if (url === "/held") held.push(() => response.writeHead(204).end());
    else if (url === "/fails") response.writeHead(500).end();
    else if (url === "/tune.wav") {
      if (headers["if-none-match"] === '"v1"') response.writeHead(304).end();
      else {
        files++;
        response.writeHead(200, { "content-type": "audio/x-wav", etag: '"v1"' }).end("RIFF");
      }
    } else if (url === "/page") response.writeHead(200, { "content-type": "text/html" }).end("<p>");
    else response.writeHead(204).end();
  });
});
afterEach(() => {
  peer.seen.length = 0;
});
afterAll(async () => {
  await client.close();
  await peer.stop();
});

const callback = (key: string, path: string, status: string) => ({
  key,
  url: peer.url(path),
  method: "POST" as const,
  parameters: [["CallStatus", status]] as const,
  authToken: "t",
});
const statuses = () => peer.seen.map(({ body }) => new URLSearchParams(body).get("CallStatus"));
const until = async (reached: () => boolean): Promise<void> => {
  while (!reached()) await new Promise((done) => setImmediate(done));
};

describe("CallbackQueue", () => {
  it("R-BYOC-8: of one call one after the other, of another call at the same time", async () => {
    const queue = new CallbackQueue(client, () => undefined);
    queue.enqueue(callback("call 1", "/held", "initiated"));
    queue.enqueue(callback("call 1", "/status", "ringing"));
    queue.enqueue(callback("call 2", "/status", "other call"));
    await until(() => held.length === 1 && peer.seen.length === 2);
    expect(statuses()).toContain("other call");
    expect(statuses()).not.toContain("ringing");
    held.shift()!();
    await queue.settled();
    expect(statuses().at(-1)).toBe("ringing");
    expect(queue.counters).toEqual({ sent: 3, failed: 0, dropped: 0 });
    expect(queue.waiting).toBe(0);
  });

  it("a failure is told with its alert and holds nothing up", async () => {
    const failures: number[] = [];
    const queue = new CallbackQueue(client, (_, alert) => failures.push(alert));
    queue.enqueue(callback("call", "/fails", "initiated"));
    queue.enqueue(callback("call", "/status", "ringing"));
    await queue.settled();
    expect(failures).toEqual([11200]);
    expect(statuses()).toEqual(["initiated", "ringing"]);
    expect(queue.counters).toEqual({ sent: 1, failed: 1, dropped: 0 });
  });

  it("hardening R22: what waits is bounded, and what is left out is counted", async () => {
    const release: (() => void)[] = [];
    const stuck = { request: () => new Promise<never>((_, fail) => release.push(() => fail(new Error("released")))) };
    const queue = new CallbackQueue(stuck, () => undefined);
    for (let i = 0; i < 10_050; i++) queue.enqueue(callback("one", "/status", String(i)));
    expect(queue.waiting).toBe(10_000);
    expect(queue.counters.dropped).toBe(50);
  });
});

describe("MediaFetcher", () => {
  it("twiml.md 2.6: a file is asked for again by its validator and kept", async () => {
    const fetcher = new MediaFetcher(client);
    const first = await fetcher.fetch(peer.url("/tune.wav"));
    const second = await fetcher.fetch(peer.url("/tune.wav"));
    expect(files).toBe(1);
    expect(Buffer.from(second.bytes).toString()).toBe("RIFF");
    expect(first.contentType).toBe("audio/x-wav");
    expect(peer.seen[0]!.headers["x-twilio-signature"]).toBeUndefined();
  });

  it("13420: a type that cannot be played is named, with what can", async () => {
    await expect(new MediaFetcher(client).fetch(peer.url("/page"))).rejects.toMatchObject({
      alertCode: 13420,
      message: expect.stringContaining("text/html cannot be played; WAV and mu-law can"),
    });
  });
});
