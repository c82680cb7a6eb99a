/**
 * Every parameter of every resource with what it must not be: type, range, length, encoding, choice. Cases come from the tables behind the
 * OpenAPI document, so a new parameter is tried by being described. Each is 400 in the form of all errors, names the parameter, and leaves
 * the store as it was (trunking-rest.md 3; voice-rest.md 1.1).
 */
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTE_DESCRIPTIONS } from "../../../src/api/rest/description/index.ts";
import type { ParameterSpec, ResourceDescription } from "../../../src/api/rest/description/parts.ts";
import { RECORD_KINDS } from "../../../src/store/record-groups.ts";
import { ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";
import { RestWorld, walkOrder } from "../../support/rest-walk.ts";

let stage: RestStage;
let world: RestWorld;
interface Target {
  readonly template: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly table: Readonly<Record<string, ParameterSpec>>;
}
const targets: Target[] = [];
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const basic = `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`;

beforeAll(async () => {
  stage = await startRest();
  world = await new RestWorld(stage).prepare();
  for (const [resource, sample] of walkOrder()) {
    const { collection, item, create, update } = resource;
    const fields = sample(world);
    if (collection !== undefined && create !== undefined) {
      const made = await world.send("POST", world.pathOf(collection), fields);
      expect(made.status, `${collection}: ${JSON.stringify(made.body)}`).toBe(resource.createStatus ?? 201);
      world.note(resource, made.body);
      // Names and numbers that are still free, so that only one parameter is wrong.
      const free = sample(world);
      targets.push({ template: `POST ${collection}`, path: world.pathOf(collection), fields: free, table: create });
    }
    if (item !== undefined && update !== undefined && mayUpdate(resource))
      targets.push({ template: `POST ${item}`, path: world.pathOf(item), fields: {}, table: update });
  }
});
afterAll(() => stage.stop());

/** A mapping and a singleton have nothing else to be made first. */
const mayUpdate = ({ item }: ResourceDescription): boolean => item !== undefined;

/** All records, to see that nothing was changed. */
const contents = (): string => JSON.stringify(RECORD_KINDS.map((kind) => [...stage.store.list(kind)]));

/** Values that a parameter of this kind must not take, as they stand in a form. */
function badValues(spec: ParameterSpec): string[] {
  const always = ["%00", "a%00b", "%ff", "%ed%a0%80", "%c3%28", "%", "%4", "%zz"];
  const empty = spec.clears === true ? [] : [""];
  switch (spec.kind) {
    case "text":
      return [...always, "x".repeat(spec.most + 1), "%F0%9F%98%80".repeat(spec.most + 1), "a%0Ab", "a%0D%0Ab", "%7F"];
    case "flag":
      return [...always, ...empty, "maybe", "1", "0", "yes", "null", "truefalse", "%20true"];
    case "integer":
      return [
        ...always,
        ...empty,
        String(spec.least - 1),
        String(spec.most + 1),
        ...["1.5", "1e2", "0x10", "NaN", "-0", "%2B1", "%201", "1%20", "99999999999999999999", "%D9%A1", "one"],
      ];
    case "choice":
      return [...always, ...empty, "nonsense", `${spec.of[0]}x`, `%20${spec.of[0]}`, "__proto__"];
    case "method":
      return [...always, ...empty, "PUT", "DELETE", "GETPOST", "G%20ET"];
    case "url":
      return [
        ...always,
        "example.com",
        "/path",
        "ftp%3A%2F%2Fexample.com",
        "javascript%3Aalert(1)",
        "http%3A%2F%2F",
        "http%3A%2F%2Fa%20b%2F",
        "http%3A%2F%2Fa%2F%0Ab",
        `https%3A%2F%2Fexample.com%2F${"x".repeat(2048)}`,
      ];
    case "sid":
      return [
        ...always,
        "nonsense",
        `ZZ${"0".repeat(32)}`,
        `${spec.prefix}${"0".repeat(31)}`,
        `${spec.prefix}${"0".repeat(33)}`,
        `${spec.prefix}${"g".repeat(32)}`,
        // Of the right form, and nobody's.
        `${spec.prefix}${"9".repeat(32)}`,
      ];
    case "document":
      return [...always, "x".repeat(spec.most + 1)];
    case "words":
      return [...always, "nonsense", `${spec.of[0]}+nonsense`, `${spec.of[0]}x`];
  }
}

/** The fields of a request that is right but for one, which comes last. */
function bodyWith(fields: Readonly<Record<string, string>>, name: string, raw: string): string {
  const rest = new URLSearchParams(Object.entries(fields).filter(([one]) => one !== name)).toString();
  return `${rest === "" ? "" : `${rest}&`}${name}=${raw}`;
}

/** Where a wrong value is no error by the documents: status callbacks of calls cost only themselves (voice-rest.md 1.1). */
const FORGIVEN = new Set(["StatusCallback"]);

describe("bad parameters", () => {
  it("each of each resource: 400 that names it, with its code, and nothing is changed", async () => {
    const wrong: string[] = [];
    let tried = 0;
    for (const { template, path, fields, table } of targets)
      for (const [name, spec] of Object.entries(table)) {
        if (template.includes("/Calls") && FORGIVEN.has(name)) continue;
        const before = contents();
        const calls = stage.placed.length;
        // It counts with a number only (R-BYOC-13), what else there is of a call with a SIP URI.
        const number = world.pathOf("/v2/PhoneNumbers/{name}").split("/").at(-1)!;
        const others = name === "Byoc" ? { ...fields, To: "+15550200300", From: number } : fields;
        for (const raw of badValues(spec)) {
          const answer = await world.send("POST", path, bodyWith(others, name, raw));
          const { status, body } = answer;
          tried++;
          // It says whose settings they are, as a path would.
          if (name === "SubaccountSid" && status === 404) continue;
          const isTold = status === 400 && body?.status === 400 && String(body.message).startsWith(name);
          const isCoded = Number.isInteger(body?.code) && !("title" in (body ?? {}));
          if (!isTold || !isCoded)
            wrong.push(`${template} ${name}=${raw.slice(0, 40)}: ${status} ${JSON.stringify(body)?.slice(0, 160)}`);
        }
        if (contents() !== before) wrong.push(`${template} ${name}: the store was changed`);
        if (stage.placed.length !== calls) wrong.push(`${template} ${name}: a call was placed`);
      }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(2000);
  });

  it("each required one: missing and empty are 400 that names it", async () => {
    for (const { template, path, fields, table } of targets)
      for (const [name, spec] of Object.entries(table)) {
        if (spec.required !== true) continue;
        const before = contents();
        const others = Object.fromEntries(Object.entries(fields).filter(([one]) => one !== name));
        for (const body of [new URLSearchParams(others).toString(), bodyWith(fields, name, "")]) {
          const answer = await world.send("POST", path, body);
          expect(answer.status, `${template} without ${name}: ${JSON.stringify(answer.body)}`).toBe(400);
          expect(answer.body.message, template).toContain(name);
        }
        expect(contents()).toBe(before);
      }
  });

  it("filters and pages of each list: what cannot be read is 400, never 500", async () => {
    for (const [route, { does, resource }] of ROUTE_DESCRIPTIONS) {
      if (does !== "list") continue;
      let path: string;
      try {
        path = world.pathOf(route.slice("GET ".length));
      } catch {
        continue;
      }
      for (const query of ["PageSize=0", "PageSize=-1", "PageSize=x", "PageSize=1.5", "Page=-1", "PageToken=nonsense"])
        expect((await world.send("GET", `${path}?${query}`)).status, `${path}?${query}`).toBe(400);
      for (const name of ["PageSize", "PageToken", ...Object.keys(resource.filters ?? {})]) {
        const escaped = encodeURIComponent(name);
        for (const raw of ["%ff", "%", "%00", "%ed%a0%80"]) {
          const answer = await world.send("GET", `${path}?${escaped}=${raw}`);
          expect([answer.status, answer.body.code], `${path}?${escaped}=${raw}`).toEqual([400, 20001]);
        }
        // Twice, and long: refused or read, but not a fault.
        for (const query of [`${escaped}=1&${escaped}=2`, `${escaped}=${"9".repeat(3000)}`])
          expect((await world.send("GET", `${path}?${query}`)).status, `${path}?${query}`).toBeLessThan(500);
      }
    }
  });

  it("the last of several values counts, unknown parameters and empty pairs do not", async () => {
    const body = "FriendlyName=first&&=&Unknown=%20&Secure=nonsense&FriendlyName=last&Secure=true&";
    const answer = await world.send("POST", "/v1/Trunks", body);
    expect([answer.status, answer.body.friendly_name, answer.body.secure]).toEqual([201, "last", true]);
    expect((await world.send("POST", "/v1/Trunks", "a=1&".repeat(1001))).status).toBe(400);
  });
});

describe("bad requests", () => {
  it("415 for bodies that are no form, whatever they say; 400 for octets that are no UTF-8", async () => {
    const before = contents();
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x", "nonsense", "text/xml"]) {
      const answer = await world.send("POST", "/v1/Trunks", "{}", { "content-type": type });
      expect([answer.status, answer.body.code], type).toEqual([415, 20422]);
    }
    const octets = await world.send("POST", "/v1/Trunks", new Uint8Array([0x41, 0x3d, 0xff, 0xfe]), FORM);
    expect([octets.status, octets.body.code]).toEqual([400, 20001]);
    expect(contents()).toBe(before);
  });

  it("413 above 1 MiB, with a length and in chunks", async () => {
    const before = contents();
    const large = `FriendlyName=${"x".repeat(1024 * 1024)}`;
    const answer = await world.send("POST", "/v1/Trunks", large);
    expect([answer.status, answer.body.code]).toEqual([413, 20413]);
    const chunked = await new Promise<number>((done, failed) => {
      const headers = { authorization: basic, "transfer-encoding": "chunked", ...FORM };
      const request = httpRequest(`${stage.url}/v1/Trunks`, { method: "POST", headers }, (response) => {
        response.resume();
        done(response.statusCode!);
      });
      request.on("error", failed);
      request.write(large.slice(0, 600_000));
      request.end(large.slice(600_000));
    });
    expect(chunked).toBe(413);
    expect(contents()).toBe(before);
  });

  it("404 or 400 for paths that cannot be, 405 with Allow for methods that a path does not have", async () => {
    for (const path of [
      "/v1/Trunks/%",
      "/v1/Trunks/%ff",
      "/v1/Trunks/%00",
      "/v1/Trunks/..%2f..",
      `/v1/Trunks/${"x".repeat(5000)}`,
    ]) {
      const answer = await world.send("GET", path);
      expect([400, 404, 414], path).toContain(answer.status);
      expect(answer.body.status, path).toBe(answer.status);
    }
    for (const [route] of ROUTE_DESCRIPTIONS) {
      const [method, template] = route.split(" ") as [string, string];
      if (method !== "GET") continue;
      const path = template.replaceAll(/\{account\}/g, ACCOUNT.sid).replaceAll(/\{\w+\}/g, `PN${"0".repeat(32)}`);
      const answer = await world.send("PUT", path);
      expect([answer.status, answer.body.code], path).toEqual([405, 20004]);
      expect(answer.headers.get("allow"), path).toContain("GET");
    }
  });

  it("431 for header fields that are too large and 400 for what is no HTTP, in the form of all errors", async () => {
    const raw = (text: string): Promise<string> =>
      new Promise((done, failed) => {
        const socket = connect(Number(new URL(stage.url).port), "127.0.0.1", () => socket.write(text));
        let seen = "";
        socket.on("data", (chunk) => {
          seen += chunk.toString();
        });
        socket.on("error", failed);
        socket.on("close", () => done(seen));
      });
    for (const [text, status] of [
      [`GET /v1/Trunks HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
      ["NONSENSE\r\n\r\n", 400],
      ["GET /v1/Trunks HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400],
    ] as const) {
      const [head, body] = (await raw(text)).split("\r\n\r\n") as [string, string];
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(JSON.parse(body)).toMatchObject({ status, code: 20001 });
    }
  });
});
