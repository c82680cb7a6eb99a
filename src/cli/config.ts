/**
 * Reads the configuration of a gateway: a YAML file, `TANDEM_…` variables over it, defaults under it. All that is wrong is
 * told at once, each with file, line, column, key, what was found and what was expected. A value `${NAME}` stands for the
 * environment variable NAME, which keeps secrets out of the file.
 */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigError, messageOf } from "../base/errors.ts";
import type { GatewayConfig } from "../base/gateway-config.ts";
import { ConfigDocument, type ConfigPath, type ConfigProblem } from "./config-document.ts";
import { applyEnvironment, type Environment, withoutDefault } from "./config-environment.ts";
import { MAP_EXPECTED, settingsShape } from "./config-schema.ts";
import { checkDeclared } from "./declared-checks.ts";
import { type DeclaredObjects, declaredShape, SECRET_KEYS } from "./declared-schema.ts";
import { nearestWord } from "./nearest-word.ts";
import { checkSettings, resolveFiles } from "./settings-checks.ts";

export interface LoadedConfig {
  /** Name of the file, for messages. */
  readonly file: string;
  readonly settings: GatewayConfig;
  readonly objects: DeclaredObjects;
  /** What works but should be looked at. */
  readonly warnings: readonly string[];
}

const configSchema = z.strictObject({ ...settingsShape, ...declaredShape }, { error: MAP_EXPECTED });

/**
 * Reads a configuration file.
 * @param environment - usually `process.env`
 * @throws ConfigError naming everything that is wrong, one line each
 */
export function loadConfig(file: string, environment: Environment): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read: ${messageOf(error)}`);
  }
  return parseConfig(text, file, environment);
}

/** The same for text. `file` is the name for messages, and what relative paths of files start from. */
export function parseConfig(text: string, file: string, environment: Environment): LoadedConfig {
  const document = new ConfigDocument(text, file, environment);
  if (document.syntaxProblems.length > 0) throw new ConfigError(document.syntaxProblems.join("\n"));
  const warnings = applyEnvironment(document, environment);
  const tell = (problems: readonly ConfigProblem[]): void => {
    if (problems.length > 0) throw new ConfigError(problems.map((problem) => lineOf(document, problem)).join("\n"));
  };
  tell(document.problems);
  const parsed = configSchema.safeParse(document.value);
  if (!parsed.success) {
    tell(parsed.error.issues.flatMap((issue) => problemsOf(issue, document)));
    throw new ConfigError(`${file}: ${parsed.error.message}`);
  }

  const { data } = parsed;
  const objects = pick(data, declaredShape) satisfies DeclaredObjects;
  const settings = resolveFiles(pick(data, settingsShape), file);
  const findings = checkDeclared(objects, settings);
  tell([...checkSettings(settings), ...findings.problems]);
  warnings.push(...findings.warnings.map((warning) => lineOf(document, warning)), ...settingWarnings(settings));
  return { file, settings, objects, warnings };
}

function pick<T extends object, K extends keyof T>(value: T, shape: { readonly [P in K]: unknown }): Pick<T, K> {
  const keys = Object.keys(shape) as K[];
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}

/** `file:line:column: key: message`. */
function lineOf(document: ConfigDocument, problem: ConfigProblem): string {
  const key = problem.path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
  const place = document.where(problem.path, problem.atKey);
  return `${place}: ${key === "" ? "" : `${key}: `}${problem.message}`;
}

/** Issues of the schema in our words. */
function problemsOf(issue: z.core.$ZodIssue, document: ConfigDocument): ConfigProblem[] {
  const path = issue.path as ConfigPath;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const near = nearestWord(key, known);
      const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
      return { path: [...path, key], message: `unknown key${hint}`, atKey: true };
    });
  }
  const found = document.found(path);
  if (found === null) return [{ path, message: `is missing, ${issue.message}` }];
  const last = path.at(-1);
  const shown = typeof last === "string" && SECRET_KEYS.has(last) ? "a secret that is not shown" : found;
  return [{ path, message: `found ${shown}, ${issue.message}` }];
}

/** The keys that are known at a path. */
function keysAt(path: ConfigPath): string[] {
  let schema: z.ZodType = configSchema;
  for (const step of path) {
    const inner = withoutDefault(schema);
    if (inner instanceof z.ZodObject) schema = inner.shape[step];
    else if (inner instanceof z.ZodArray) schema = inner.element as z.ZodType;
  }
  const inner = withoutDefault(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function settingWarnings({ tls, streams, webhooks, http, sip, store, auth, edges }: GatewayConfig): string[] {
  const warnings: string[] = [];
  if (tls.allowDeprecated) warnings.push("tls.allowDeprecated: TLS 1.0 and 1.1 are broken protocols (R-SEC-2)");
  if (streams.allowInsecureWs) warnings.push("streams.allowInsecureWs: call audio may leave without encryption");
  if (!streams.tlsVerify) warnings.push("streams.tlsVerify: certificates of stream consumers are not checked");
  if (webhooks.allowPrivateAddresses.includes("all"))
    warnings.push(
      "webhooks.allowPrivateAddresses: TwiML and REST may reach every address of this network (hardening R20)",
    );
  if (http.port !== null && !isLoopback(http.address))
    warnings.push(`http.address: the API listens on ${http.address} without TLS; put a proxy with TLS before it`);
  const isServing = edges.some(({ listen }) => listen.length > 0);
  if (!isServing && isUnspecified(sip.address) && sip.announce === null)
    warnings.push(`sip.announce: not set while sip.address is ${sip.address}; say which address peers can reach`);
  if (store.path !== null && auth.operatorKey === null && auth.operatorKeyFile === null)
    warnings.push(
      `auth.operatorKeyFile: not set; a key is kept in ${store.path}.key, beside the data that it protects`,
    );
  return warnings;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}
