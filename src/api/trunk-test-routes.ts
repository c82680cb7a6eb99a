/** `POST /v1/TrunkTests`: calls a number of a trunk and tells who answered how, for `tandem test-trunk` (R-GEN-9). */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Viewer } from "../calls/call-stories.ts";
import type { TestTrunk } from "../calls/test-trunk.ts";
import type { Store } from "../store/store.ts";
import type { Trunk } from "../trunking/records.ts";
import type { HttpAuth } from "./auth.ts";

/** Each test holds a call and an HTTP request for up to a minute. */
const TESTS_MAX = 5;
const TEXT_LENGTH_MAX = 255;
const RING_SECONDS_DEFAULT = 20;
const RING_SECONDS_MAX = 60;

const UNAUTHORIZED = 20003;
const BAD_REQUEST = 20001;
const NOT_FOUND = 20404;
const TOO_MANY = 20429;
const INTERNAL = 20500;

/** What a request asks for; all other fields are refused. */
interface TestRequest {
  /** SID, friendly name or domain name. */
  readonly trunk: string;
  /** "" for the first of the trunk. */
  readonly number: string;
  readonly ringSeconds: number;
}

export function addTrunkTestRoutes(server: FastifyInstance, store: Store, auth: HttpAuth, test: TestTrunk): void {
  let running = 0;
  server.post("/v1/TrunkTests", async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header("Cache-Control", "no-store");
    const verdict = auth.judge(request.headers.authorization, request.ip);
    if ("refused" in verdict) {
      if (verdict.refused === "too-many")
        return refuse(reply, 429, TOO_MANY, "too many wrong credentials; wait a minute");
      reply.header("WWW-Authenticate", 'Basic realm="tandem", charset="UTF-8"');
      return refuse(reply, 401, UNAUTHORIZED, "give account SID and auth token, or the operator's token (HTTP Basic)");
    }
    const asked = readRequest(request.body);
    if (typeof asked === "string") return refuse(reply, 400, BAD_REQUEST, asked);
    const trunk = trunkNamed(store, verdict.viewer, asked.trunk);
    if (typeof trunk === "string") return refuse(reply, 404, NOT_FOUND, trunk);
    const number = numberOf(store, trunk, asked.number);
    if (number === undefined) return refuse(reply, 400, BAD_REQUEST, "the trunk has no such number: give it one first");
    if (running >= TESTS_MAX) return refuse(reply, 429, TOO_MANY, `${TESTS_MAX} tests are running already`);
    running++;
    try {
      return await reply.send(await test(trunk, number, asked.ringSeconds * 1000));
    } catch {
      return refuse(reply, 500, INTERNAL, "the test failed inside");
    } finally {
      running--;
    }
  });
}

function refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply.code(status).send({ code, message, status });
}

/** @returns what is wrong, as text */
function readRequest(body: unknown): TestRequest | string {
  if (typeof body !== "object" || body === null)
    return "the body is JSON with trunk, and number and ringSeconds if wanted";
  const { trunk, number = "", ringSeconds = RING_SECONDS_DEFAULT } = body as Record<string, unknown>;
  if (typeof trunk !== "string" || trunk === "" || trunk.length > TEXT_LENGTH_MAX) return "trunk: a SID or a name";
  if (typeof number !== "string" || number.length > TEXT_LENGTH_MAX) return "number: a number of the trunk";
  if (typeof ringSeconds !== "number" || !(ringSeconds >= 1 && ringSeconds <= RING_SECONDS_MAX))
    return `ringSeconds: 1 to ${RING_SECONDS_MAX}`;
  return { trunk, number, ringSeconds };
}

/** @returns why there is none, as text */
function trunkNamed(store: Store, viewer: Viewer, name: string): Trunk | string {
  const isVisible = ({ accountSid }: Trunk): boolean => viewer === "operator" || viewer.has(accountSid);
  const bySid = store.get("trunks", name);
  if (bySid !== undefined && isVisible(bySid)) return bySid;
  const label = name.toLowerCase();
  const found: Trunk[] = [];
  for (const trunk of store.list("trunks"))
    if (isVisible(trunk) && (trunk.friendlyName === name || trunk.domainName === label)) found.push(trunk);
  if (found.length > 1) return `${found.length} trunks have this name: give the SID of one`;
  return found[0] ?? "no trunk has this SID, name or domain";
}

function numberOf(store: Store, trunk: Trunk, wanted: string): string | undefined {
  if (wanted !== "") return store.phoneNumber(wanted)?.trunkSid === trunk.sid ? wanted : undefined;
  for (const { phoneNumber, trunkSid } of store.list("phoneNumbers")) if (trunkSid === trunk.sid) return phoneNumber;
  return undefined;
}
