/** HTTP towards the application, over real sockets: twiml.md 3 to 5, requirements R-BYOC-6 and 7, hardening R20, R26. */
import { createServer, type Server } from "node:net";
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebhookError } from "../../src/base/errors.ts";
import { makeCertificates } from "../../src/cli/demo/certificates.ts";
import { CookieJar } from "../../src/voice/cookie-jar.ts";
import { fetchTwiml } from "../../src/voice/fetch-twiml.ts";
import { AddressGuard } from "../../src/voice/ssrf.ts";
import { WebhookClient, type WebhookRequest } from "../../src/voice/webhook.ts";
import { HttpPeer } from "../support/http-peer.ts";
import { ManualClock } from "../support/manual-clock.ts";

const TOKEN = "12345678901234567890123456789012";
const PARAMETERS = [
  ["CallSid", "CA00000000000000000000000000000001"],
  ["From", "+15550100200"],
  ["SipHeader_X-Note", "a b&c=d"],
] as const;

const clock = new ManualClock();
const guard = new AddressGuard({ allowAll: false, allow: ["127.0.0.1"] });
let client: WebhookClient;
let peer: HttpPeer;

beforeAll(async () => {
  client = new WebhookClient({ clock, guard });
  peer = await HttpPeer.start(({ url, method }, response) => {
    const path = url.split("?")[0]!;
    const code = /^\/redirect-(30\d)$/.exec(path)?.[1];
    if (code !== undefined) response.writeHead(Number(code), { location: "/landed?kept=1" }).end();
    else if (path === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (path === "/away") response.writeHead(302, { location: "http://127.0.0.2:9/x" }).end();
    else if (path === "/scheme") response.writeHead(302, { location: "file:///etc/passwd" }).end();
    else if (path === "/500") response.writeHead(500).end("no");
    else if (path === "/404") response.writeHead(404).end("no");
    else if (path === "/reset") response.destroy();
    else if (path === "/silent") return;
    else if (path === "/large") response.end("x".repeat(70_000));
    else if (path === "/cookie")
      response.writeHead(200, { "set-cookie": ["a=1; Path=/", "b=2; Secure", "c=3; Path=/other"] }).end();
    else response.writeHead(200, { "content-type": "text/xml" }).end(`<Response><!-- ${method} --></Response>`);
  });
});
afterEach(() => {
  peer.seen.length = 0;
});
afterAll(async () => {
  await client.close();
  await peer.stop();
});

const ask = (path: string, more: Partial<WebhookRequest> = {}) =>
  client.request({ url: peer.url(path), method: "POST", parameters: PARAMETERS, authToken: TOKEN, ...more });
const failure = async (promise: Promise<unknown>): Promise<WebhookError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(WebhookError);
  return error as WebhookError;
};

describe("one request", () => {
  it("twiml.md 3.2, R-BYOC-6: POST is a form, signed over URL and parameters as the twilio package checks it", async () => {
    await ask("/voice?tenant=7");
    const [{ headers, body, method }] = peer.seen as [(typeof peer.seen)[0]];
    expect(method).toBe("POST");
    expect(headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded/);
    expect(headers["user-agent"]).toBe("TwilioProxy/1.1");
    expect(headers["i-twilio-idempotency-token"]).toMatch(/^[0-9a-f-]{36}$/);
    const form = Object.fromEntries(new URLSearchParams(body));
    expect(form).toEqual(Object.fromEntries(PARAMETERS));
    const signature = String(headers["x-twilio-signature"]);
    expect(twilio.validateRequest(TOKEN, signature, peer.url("/voice?tenant=7"), form)).toBe(true);
    expect(twilio.validateRequest("another token", signature, peer.url("/voice?tenant=7"), form)).toBe(false);
  });

  it("twiml.md 3.2: GET carries the parameters in the query, and the signature covers the whole URL", async () => {
    await ask("/voice?tenant=7", { method: "GET" });
    const [{ url, headers, body }] = peer.seen as [(typeof peer.seen)[0]];
    expect(body).toBe("");
    expect(Object.fromEntries(new URL(url, "http://h").searchParams)).toEqual({
      tenant: "7",
      ...Object.fromEntries(PARAMETERS),
    });
    const signature = String(headers["x-twilio-signature"]);
    expect(twilio.validateRequest(TOKEN, signature, `http://127.0.0.1:${peer.port}${url}`, {})).toBe(true);
  });

  it("R26: user and password of a URL become Basic authorisation and never stand in an error", async () => {
    const url = peer.url("/404").replace("//", "//ann:s%3Acret@");
    const error = await failure(client.request({ url, method: "GET", parameters: [], authToken: TOKEN }));
    expect(peer.seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from("ann:s:cret").toString("base64")}`);
    expect(error.message).not.toContain("cret");
    expect(error.message).toContain("HTTP 404");
  });

  it("twiml.md 3.7: a fragment sets time and retries and is not sent", async () => {
    await ask("/voice#rc=2&ct=1000");
    expect(peer.paths).toEqual(["/voice"]);
  });
});

describe("redirects (twiml.md 3.4)", () => {
  it.each([
    [301, "GET"],
    [302, "GET"],
    [303, "GET"],
    [307, "POST"],
    [308, "POST"],
  ])("%i of a POST goes on as %s, signed for its own URL", async (code, method) => {
    const answer = await ask(`/redirect-${code}`);
    const second = peer.seen[1]!;
    expect(second.method).toBe(method);
    const form = Object.fromEntries(new URLSearchParams(second.body));
    const url = `http://127.0.0.1:${peer.port}${second.url}`;
    expect(twilio.validateRequest(TOKEN, String(second.headers["x-twilio-signature"]), url, form)).toBe(true);
    expect(new URL(second.url, "http://h").searchParams.get("kept")).toBe("1");
    expect(answer.finalUrl).toBe(url);
  });

  it("11215: more than ten redirects", async () => {
    const error = await failure(ask("/loop"));
    expect(error.alertCode).toBe(11215);
    expect(peer.seen.length).toBe(11);
  });

  it("R20: every hop is judged anew, and only http and https are followed", async () => {
    expect((await failure(ask("/away"))).message).toContain("127.0.0.2");
    expect((await failure(ask("/scheme"))).message).toContain("file:");
  });
});

describe("failures have a number and a cure (twiml.md 5.1)", () => {
  it("11200: HTTP 4xx and 5xx", async () => {
    expect((await failure(ask("/500"))).alertCode).toBe(11200);
    expect((await failure(ask("/404"))).alertCode).toBe(11200);
    expect(peer.seen.length).toBe(2);
  });

  it("twiml.md 5.2: 5xx is tried again only when the policy says so", async () => {
    await failure(ask("/500#rc=3&rp=5xx"));
    expect(peer.seen.length).toBe(4);
    peer.seen.length = 0;
    await failure(ask("/404#rc=3&rp=5xx"));
    expect(peer.seen.length).toBe(1);
  });

  it("11205: nobody listens; named with what to look at; tried twice", async () => {
    const free = createServer();
    const port = await new Promise<number>((done) =>
      free.listen(0, "127.0.0.1", () => done((free.address() as { port: number }).port)),
    );
    await new Promise((done) => free.close(done));
    const error = await failure(
      client.request({ url: `http://127.0.0.1:${port}/`, method: "GET", parameters: [], authToken: TOKEN }),
    );
    expect(error.alertCode).toBe(11205);
    expect(error.message).toContain("is the server running on this port?");
  });

  it("11206: the connection is closed in the middle; an answer that is no HTTP", async () => {
    expect((await failure(ask("/reset"))).alertCode).toBe(11206);
    const raw: Server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
      socket.end("220 mail.example ESMTP\r\n");
    });
    const port = await new Promise<number>((done) =>
      raw.listen(0, "127.0.0.1", () => done((raw.address() as { port: number }).port)),
    );
    const error = await failure(
      client.request({ url: `http://127.0.0.1:${port}/`, method: "GET", parameters: [], authToken: TOKEN }),
    );
    expect(error.alertCode).toBe(11206);
    await new Promise((done) => raw.close(done));
  });

  it("11210: a name that DNS does not know", async () => {
    const error = await failure(
      client.request({ url: "http://nobody.invalid/", method: "GET", parameters: [], authToken: TOKEN }),
    );
    expect(error.alertCode).toBe(11210);
  });

  it("11750: an answer larger than 64 kB is cut off", async () => {
    expect((await failure(ask("/large"))).alertCode).toBe(11750);
  });

  it("11205: the whole request has its total time, whatever the server does", async () => {
    const waiting = failure(ask("/silent#tt=2000"));
    while (peer.seen.length === 0) await new Promise((done) => setImmediate(done));
    clock.advance(1999);
    clock.advance(1);
    expect((await waiting).alertCode).toBe(11205);
  });

  it("webhooks.totalTimeoutMs and webhooks.bodyBytesMax hold where the URL says nothing", async () => {
    const strict = new WebhookClient({ clock, guard, totalTimeoutMs: 700, bodyBytesMax: 80_000 });
    const asked = { method: "POST", parameters: PARAMETERS, authToken: TOKEN } as const;
    const waiting = failure(strict.request({ url: peer.url("/silent"), ...asked }));
    while (peer.seen.length === 0) await new Promise((done) => setImmediate(done));
    clock.advance(700);
    expect((await waiting).alertCode).toBe(11205);
    expect((await strict.request({ url: peer.url("/large"), ...asked })).body).toHaveLength(70_000);
    await strict.close();
  });

  it("a caller that hangs up ends the request at once", async () => {
    const controller = new AbortController();
    const waiting = failure(ask("/silent", { signal: controller.signal }));
    while (peer.seen.length === 0) await new Promise((done) => setImmediate(done));
    controller.abort();
    await waiting;
    expect(clock.pendingTimers).toBe(0);
  });

  it("R20: private addresses are refused by number and by name, also those that resolve to them", async () => {
    for (const host of ["127.0.0.2", "[::1]", "10.0.0.1", "169.254.169.254", "localhost."]) {
      const error = await failure(
        client.request({ url: `http://${host}:9/`, method: "GET", parameters: [], authToken: TOKEN }),
      );
      expect(error.message, host).toMatch(/allowPrivateAddresses|not known to DNS/);
    }
  });
});

describe("TLS", () => {
  it("11237 for an unknown authority, 11235 for another name, and well with the authority that is configured", async () => {
    const { certPem, keyPem } = await makeCertificates(["localhost"], "127.0.0.1");
    const server = await HttpPeer.start((_, response) => response.end("ok"), { cert: certPem, key: keyPem });
    const one = { method: "GET", parameters: [], authToken: TOKEN } as const;
    const stranger = await failure(client.request({ url: server.url("/"), ...one }));
    expect(stranger.alertCode).toBe(11237);
    expect(stranger.message).toContain("webhooks.caFile");
    const named = new AddressGuard({ allowAll: false, allow: ["127.0.0.1"] }, (_host, _options, done) =>
      done(null, [{ address: "127.0.0.1", family: 4 }]),
    );
    const knowing = new WebhookClient({ clock, guard: named, caPem: certPem });
    expect((await knowing.request({ url: server.url("/"), ...one })).body.toString()).toBe("ok");
    const other = await failure(knowing.request({ url: server.url("/", "app.example"), ...one }));
    expect(other.alertCode).toBe(11235);
    await knowing.close();
    await server.stop();
  });
});

describe("cookies (twiml.md 3.5)", () => {
  it("go back to the host and path that set them, secure ones only over https", async () => {
    const cookies = new CookieJar();
    await ask("/cookie", { cookies });
    await ask("/voice", { cookies });
    await ask("/other/x", { cookies });
    expect(peer.seen.map(({ headers }) => headers.cookie)).toEqual([undefined, "a=1", "a=1; c=3"]);
  });

  it("are bounded", () => {
    const cookies = new CookieJar();
    const url = new URL("http://h/");
    for (let i = 0; i < 200; i++) cookies.store(url, [`c${i}=1`]);
    cookies.store(url, [`big=${"x".repeat(5000)}`]);
    expect(cookies.header(url).split("; ").length).toBe(50);
    expect(cookies.header(url)).not.toContain("big");
  });
});

describe("R-BYOC-7, twiml.md 5.3: the fallback URL", () => {
  const fetch = (path: string, fallback: string | undefined, failures: number[] = []) =>
    fetchTwiml(client, {
      handler: { url: peer.url(path), method: "POST" },
      fallback: fallback === undefined ? undefined : { url: peer.url(fallback), method: "POST" },
      parameters: PARAMETERS,
      authToken: TOKEN,
      cookies: new CookieJar(),
      onFailure: (error) => failures.push(error.alertCode),
    });

  it("is asked with ErrorCode and ErrorUrl when the first one fails", async () => {
    const failures: number[] = [];
    const { usedFallback } = await fetch("/500", "/fallback", failures);
    expect(usedFallback).toBe(true);
    expect(failures).toEqual([11200]);
    const form = new URLSearchParams(peer.seen[1]!.body);
    expect(form.get("ErrorCode")).toBe("11200");
    expect(form.get("ErrorUrl")).toBe(peer.url("/500"));
    expect(form.get("CallSid")).toBe(PARAMETERS[0][1]);
  });

  it("both failing is told twice, and the last failure goes up", async () => {
    const failures: number[] = [];
    await failure(fetch("/500", "/reset", failures));
    expect(failures).toEqual([11200, 11206]);
  });

  it("without one the failure goes up", async () => {
    expect((await failure(fetch("/404", undefined))).alertCode).toBe(11200);
  });
});
