/** The OpenAPI document says what is served, no more and no less (GET /openapi.json). */
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  describedPath,
  descriptionOf,
  RESOURCES,
  ROUTE_DESCRIPTIONS,
} from "../../../src/api/rest/description/index.ts";
import { Call } from "../../../src/calls/call.ts";
import { testOutgoingCallerId } from "../../support/records.ts";
import { ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";
import { type Answer, NOT_MADE, RestWorld, SAMPLES, walkOrder } from "../../support/rest-walk.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document, looked at from outside
let document: any;
let stage: RestStage;
let world: RestWorld;
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
const validators = new Map<string, ValidateFunction>();

beforeAll(async () => {
  stage = await startRest();
  world = await new RestWorld(stage).prepare();
  document = (await world.send("GET", "/openapi.json", undefined, { authorization: "" })).body;
});
afterAll(() => stage.stop());

const served = () => stage.routes.map((route) => `${route.method} ${describedPath(route.path)}`);

/** Holds an answer against what the document says of it. */
function expectAsDocumented(method: string, template: string, answer: Answer): void {
  const operation = document.paths[template]?.[method.toLowerCase()];
  expect(operation, `${method} ${template}`).toBeDefined();
  const response = operation.responses[String(answer.status)];
  expect(response, `${method} ${template}: ${answer.status} ${JSON.stringify(answer.body)}`).toBeDefined();
  const reference: string | undefined = response.$ref;
  const { content } = reference === undefined ? response : document.components.responses[reference.split("/").at(-1)!];
  if (content === undefined) {
    expect(answer.body).toBeUndefined();
    return;
  }
  const key = `${method} ${template} ${answer.status}`;
  const schema = { ...content["application/json"].schema, components: document.components };
  const validate = validators.get(key) ?? ajv.compile(schema);
  validators.set(key, validate);
  validate(answer.body);
  expect(validate.errors ?? [], `${method} ${template}: ${JSON.stringify(answer.body)}`).toEqual([]);
}

describe("OpenAPI", () => {
  it("has each route that is served, and no other", () => {
    expect([...ROUTE_DESCRIPTIONS.keys()].sort()).toEqual(served().sort());
    const documented = Object.entries(document.paths as Record<string, object>).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((key) => key !== "parameters")
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(served().sort());
  });

  it("is a document of OpenAPI 3.1 with an operation of its own name for each route, and schemas that can be read", () => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Tandem" } });
    const names = new Set<string>();
    for (const [path, item] of Object.entries(document.paths as Record<string, Record<string, never>>)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      // biome-ignore lint/suspicious/noExplicitAny: a document, looked at from outside
      expect((item["parameters"] as any).map(({ name }: { name: string }) => name)).toEqual(inPath);
      for (const [method, operation] of Object.entries(item) as [string, Record<string, unknown>][]) {
        if (method === "parameters") continue;
        names.add(operation["operationId"] as string);
        for (const response of Object.values(operation["responses"] as Record<string, { $ref?: string }>))
          if (response.$ref !== undefined)
            expect(document.components.responses[response.$ref.split("/").at(-1)!]).toBeDefined();
        // biome-ignore lint/suspicious/noExplicitAny: a document, looked at from outside
        const form = (operation["requestBody"] as any)?.content["application/x-www-form-urlencoded"].schema;
        if (method === "post") ajv.compile(form);
      }
    }
    expect(names.size).toBe(served().length);
  });

  it("has a sample of the walk for each resource that can be made", () => {
    const made = RESOURCES.filter(({ create, collection }) => create !== undefined || collection === undefined);
    const paths = made.map(({ collection, item }) => collection ?? item!).filter((path) => !NOT_MADE.has(path));
    expect([...SAMPLES.keys()].sort()).toEqual(paths.sort());
  });

  it("fits every answer of a way through the whole API, which takes parameters only as described", async () => {
    const removals: [template: string, path: string][] = [];
    for (const [resource, sample] of walkOrder()) {
      const { collection, item } = resource;
      const fields = sample(world);
      let one = item === undefined || collection !== undefined ? undefined : world.pathOf(item);
      if (collection !== undefined) {
        const path = world.pathOf(collection);
        const made = await world.send("POST", path, fields);
        expect(made.status, `${collection}: ${JSON.stringify(made.body)}`).toBe(resource.createStatus ?? 201);
        expectAsDocumented("POST", collection, made);
        world.note(resource, made.body);
        const list = await world.send("GET", `${path}?PageSize=1`);
        expectAsDocumented("GET", collection, list);
        expect(list.body[resource.key!]).toHaveLength(1);
        const nothing = await world.send("POST", path, { Nonsense: "%" });
        expectAsDocumented("POST", collection, nothing);
        if (nothing.status === 201 && resource.remove === true)
          await world.send(
            "DELETE",
            `${path.replace(/\.json$/, "")}/${nothing.body.sid}${path.endsWith(".json") ? ".json" : ""}`,
          );
        if (item !== undefined) one = world.pathOf(item);
      }
      if (one === undefined || item === undefined) continue;
      const fetched = await world.send("GET", one);
      expect(fetched.status).toBe(200);
      expectAsDocumented("GET", item, fetched);
      if (resource.update !== undefined) {
        const same = Object.fromEntries(Object.entries(fields).filter(([field]) => field in resource.update!));
        const updated = await world.send("POST", one, resource.name === "Call" ? { Status: "completed" } : same);
        expect(updated.status, `${item}: ${JSON.stringify(updated.body)}`).toBe(200);
        expectAsDocumented("POST", item, updated);
      }
      // Nothing ends a call here.
      stage.calls.bySid(fetched.body.sid)?.apply("end-canceled");
      if (resource.remove === true) removals.push([item, one]);
    }
    // Numbers go before their mapping to the trunk would: 404 then.
    for (const [template, path] of removals.reverse()) {
      const removed = await world.send("DELETE", path);
      expect(removed.status, `${path}: ${JSON.stringify(removed.body)}`).toBe(204);
      expectAsDocumented("DELETE", template, removed);
      const again = await world.send("DELETE", path);
      expect(again.status).toBe(404);
      expectAsDocumented("DELETE", template, again);
    }
    expect([...stage.misread]).toEqual([]);
  });

  it("fits what is not made by REST: caller ids, calls of others, empty lists", async () => {
    const callerId = testOutgoingCallerId({ accountSid: ACCOUNT.sid });
    await stage.store.apply([{ kind: "outgoingCallerIds", put: callerId }]);
    const ids = "/2010-04-01/Accounts/{account}/OutgoingCallerIds";
    const path = world.pathOf(`${ids}.json`);
    expectAsDocumented("GET", `${ids}.json`, await world.send("GET", path));
    const one = path.replace(".json", `/${callerId.sid}.json`);
    expectAsDocumented("GET", `${ids}/{id}.json`, await world.send("GET", one));
    expectAsDocumented("POST", `${ids}/{id}.json`, await world.send("POST", one, { FriendlyName: "new" }));
    expectAsDocumented("DELETE", `${ids}/{id}.json`, await world.send("DELETE", one));
    const call = new Call(
      { accountSid: ACCOUNT.sid, direction: "trunking-terminating", from: "+14155550100", to: "+15550200300" },
      stage.clock,
      () => undefined,
    );
    stage.calls.add(call);
    call.apply("end-busy");
    stage.alerts.raise({ code: 32201, text: "refused", accountSid: ACCOUNT.sid, callSid: call.sid, sipStatus: 403 });
    const [alert] = stage.alerts.all();
    const calls = "/2010-04-01/Accounts/{account}/Calls";
    const ofCall = world.pathOf(`${calls}.json`).replace(".json", `/${call.sid}`);
    for (const [template, path] of [
      ["/v1/Alerts", "/v1/Alerts"],
      ["/v1/Alerts/{alert}", `/v1/Alerts/${alert!.sid}`],
      [`${calls}/{call}/Notifications.json`, `${ofCall}/Notifications.json`],
      [`${calls}/{call}/Notifications/{notification}.json`, `${ofCall}/Notifications/${alert!.sid}.json`],
      [`${calls}/{call}/Recordings.json`, `${ofCall}/Recordings.json`],
      ["/2010-04-01/Accounts/{account}/Recordings.json", `${ofCall.split("/Calls")[0]}/Recordings.json`],
    ] as const) {
      const answer = await world.send("GET", path);
      expect(answer.status, path).toBe(200);
      expectAsDocumented("GET", template, answer);
    }
    expectAsDocumented("GET", `${calls}.json`, await world.send("GET", world.pathOf(`${calls}.json`)));
    expect([...stage.misread]).toEqual([]);
  });

  it("documents errors in their one form", async () => {
    const answers = await Promise.all([
      world.send("POST", "/v1/Trunks", "FriendlyName=%ff"),
      world.send("GET", "/v1/Trunks", undefined, { authorization: "" }),
      world.send("GET", `/v1/Trunks/TK${"0".repeat(32)}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([400, 401, 404]);
    expectAsDocumented("POST", "/v1/Trunks", answers[0]);
    expectAsDocumented("GET", "/v1/Trunks", answers[1]);
    expectAsDocumented("GET", "/v1/Trunks/{trunk}", answers[2]);
    expect(descriptionOf({ method: "GET", path: "/nothing" })).toBeUndefined();
  });
});
