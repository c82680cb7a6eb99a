/**
 * How the command line reaches a running gateway over HTTP, and as whom. Where: `--url`, TANDEM_URL, the configuration file,
 * or http://127.0.0.1:8080. Who: TANDEM_ACCOUNT_SID with TANDEM_AUTH_TOKEN; else, by the configuration file, the operator
 * when its key can be read, or the account that the file declares. No secret is taken as an argument, where others could read
 * it in the list of processes.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { request } from "undici";
import { ConfigError, GatewayError, messageOf } from "../base/errors.ts";
import { isSid } from "../base/ids.ts";
import { safeText } from "../explain/safe-text.ts";
import { parseOperatorKey, Secrets } from "../store/secrets.ts";
import { type LoadedConfig, loadConfig } from "./config.ts";
import type { Environment } from "./config-environment.ts";
import { declaredAccountSid } from "./declared-sid.ts";

export interface AccessOptions {
  readonly url?: string | undefined;
  readonly config?: string | undefined;
  /** Name or SID, where the file declares several. */
  readonly account?: string | undefined;
}

export interface ApiAccess {
  /** Without a slash at the end. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

const DEFAULT_URL = "http://127.0.0.1:8080";
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** @throws ConfigError naming what is missing and how to give it */
export function findAccess(options: AccessOptions, environment: Environment): ApiAccess {
  const file = options.config ?? environment["TANDEM_CONFIG"];
  const loaded = file === undefined ? undefined : loadConfig(file, environment);
  const url = readBaseUrl(options.url ?? environment["TANDEM_URL"] ?? urlOf(loaded));
  const sid = environment["TANDEM_ACCOUNT_SID"];
  const token = environment["TANDEM_AUTH_TOKEN"];
  if (options.account === undefined && sid !== undefined && token !== undefined)
    return { url, username: sid, password: token };
  if (loaded === undefined)
    throw new ConfigError(
      "no credentials: name the gateway's configuration with -c FILE (or TANDEM_CONFIG), or set TANDEM_ACCOUNT_SID and TANDEM_AUTH_TOKEN",
    );
  return { url, ...credentialsOf(loaded, options.account) };
}

/**
 * GET of JSON.
 * @throws GatewayError API_UNREACHABLE, API_REFUSED or API_ANSWER, with the cure in its text
 */
export function getJson(access: ApiAccess, path: string): Promise<unknown> {
  return askJson(access, path, undefined, TIMEOUT_MS);
}

/** POST of JSON, for questions that take long; errors as of `getJson`. */
export function postJson(access: ApiAccess, path: string, body: object, timeoutMs: number): Promise<unknown> {
  return askJson(access, path, { type: "application/json", text: JSON.stringify(body) }, timeoutMs);
}

/** POST of a form; errors as of `getJson`. */
export function postForm(access: ApiAccess, path: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const text = new URLSearchParams(form).toString();
  return askJson(access, path, { type: "application/x-www-form-urlencoded", text }, TIMEOUT_MS);
}

async function askJson(
  access: ApiAccess,
  path: string,
  body: { readonly type: string; readonly text: string } | undefined,
  timeoutMs: number,
): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${access.username}:${access.password}`).toString("base64")}`;
  let status: number;
  let text: string;
  try {
    const answer = await request(access.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        authorization,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": body.type }),
      },
      body: body?.text ?? null,
      // One question, one connection.
      reset: true,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.timeout(3 * timeoutMs),
    });
    status = answer.statusCode;
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} octets`);
      chunks.push(chunk);
    }
    text = Buffer.concat(chunks).toString();
  } catch (error) {
    throw new GatewayError("API_UNREACHABLE", `no gateway answers at ${access.url}: ${reasonOf(error)}. ${CURE}`, {
      cause: error,
    });
  }
  const answered = parsed(text);
  if (status === 200 && answered !== undefined) return answered;
  const said = (answered as { message?: unknown } | undefined)?.message;
  const message = typeof said === "string" ? safeText(said.slice(0, 300)) : `HTTP ${status}`;
  if (status === 401)
    throw new GatewayError(
      "API_REFUSED",
      `${access.url} does not know ${access.username === "operator" ? "the operator key" : `account ${access.username} with this token`}: ${message}. See that the file and the variables are those of the gateway that runs.`,
    );
  if (status === 404 && typeof said !== "string")
    throw new GatewayError(
      "API_ANSWER",
      `${access.url} is no gateway that can explain calls (HTTP 404): look at --url`,
    );
  throw new GatewayError("API_ANSWER", message);
}

const CURE = "Is `tandem serve` running, is http.port on, and is the URL right (--url, TANDEM_URL, -c FILE)?";

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return "nobody listens there";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the name is not known";
  return messageOf(error) || String(code ?? "unknown");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readBaseUrl(text: string): string {
  if (!URL.canParse(text))
    throw new ConfigError(`${JSON.stringify(text.slice(0, 100))} is no URL: expected http://HOST:PORT`);
  const { protocol, username, password, href } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:")
    throw new ConfigError(`expected an http or https URL, found ${protocol}`);
  // They would be seen in the list of processes.
  if (username !== "" || password !== "")
    throw new ConfigError("no credentials in the URL: set TANDEM_ACCOUNT_SID and TANDEM_AUTH_TOKEN");
  return href.replace(/\/+$/, "");
}

function urlOf(loaded: LoadedConfig | undefined): string {
  if (loaded === undefined) return DEFAULT_URL;
  const { address, port } = loaded.settings.http;
  if (port === null) throw new ConfigError(`${loaded.file}: http.port is off, so the gateway cannot be asked`);
  if (port === 0)
    throw new ConfigError(`${loaded.file}: http.port is 0, any free one: give --url as the gateway's log names it`);
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function credentialsOf(loaded: LoadedConfig, wanted: string | undefined): { username: string; password: string } {
  const { accounts } = loaded.objects;
  if (wanted === undefined) {
    const key = operatorKeyOf(loaded);
    if (key !== undefined) return { username: "operator", password: new Secrets(key).operatorToken };
  }
  const named =
    wanted === undefined
      ? accounts
      : accounts.filter((account) => account.name === wanted || declaredAccountSid(account) === wanted);
  const [account] = named;
  if (account === undefined)
    throw new ConfigError(
      wanted === undefined
        ? `${loaded.file} declares no account and names no operator key: set TANDEM_ACCOUNT_SID and TANDEM_AUTH_TOKEN`
        : `${loaded.file} declares no account ${JSON.stringify(wanted)}${isSid(wanted, "AC") ? "" : `; it has ${accounts.map(({ name }) => name).join(", ")}`}`,
    );
  if (named.length > 1)
    throw new ConfigError(
      `${loaded.file} declares several accounts: choose one with --account, ${named.map(({ name }) => name).join(" or ")}; an operator key would show all`,
    );
  return { username: declaredAccountSid(account), password: account.authToken };
}

/** Read only: a key is never made here. */
function operatorKeyOf({ settings }: LoadedConfig): Uint8Array | undefined {
  const { operatorKey, operatorKeyFile } = settings.auth;
  if (operatorKey !== null) return parseOperatorKey(operatorKey) ?? undefined;
  // A store in memory takes no key from a file.
  if (settings.store.path === null) return undefined;
  const file = operatorKeyFile ?? join(dirname(settings.store.path), "operator.key");
  // A user who may not read the key is no operator, and may still ask as an account.
  if (!existsSync(file)) return undefined;
  try {
    return parseOperatorKey(readFileSync(file, "utf8")) ?? undefined;
  } catch {
    return undefined;
  }
}
