/**
 * Environment variables over the settings of the file: `sip.udpPort` is `TANDEM_SIP_UDP_PORT`, `domains.base` is
 * `TANDEM_DOMAINS_BASE`; lists are separated by commas. `TANDEM_OPERATOR_KEY` is short for `TANDEM_AUTH_OPERATOR_KEY`.
 * Objects (trunks, numbers …), edges and certificates by name come from the file only.
 */

import { z } from "zod";
import type { ConfigDocument, ConfigPath } from "./config-document.ts";
import { settingsShape } from "./config-schema.ts";
import { nearestWord } from "./nearest-word.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that a variable may give. */
export interface SettingVariable {
  readonly name: string;
  readonly path: ConfigPath;
  readonly isList: boolean;
}

const PREFIX = "TANDEM_";
/** Variables that are read elsewhere. */
const OTHER_VARIABLES: readonly string[] = ["TANDEM_CONFIG", "TANDEM_URL", "TANDEM_ACCOUNT_SID", "TANDEM_AUTH_TOKEN"];
const SHORT_FORMS: ReadonlyMap<string, string> = new Map([["TANDEM_OPERATOR_KEY", "TANDEM_AUTH_OPERATOR_KEY"]]);

/** Every setting that a variable may give, by the name of the variable. */
export const SETTING_VARIABLES: ReadonlyMap<string, SettingVariable> = new Map(
  leavesOf(settingsShape, []).map((leaf) => [leaf.name, leaf]),
);

/**
 * Lays variables over a document.
 * @returns warnings about variables that begin with TANDEM_ and name no setting
 */
export function applyEnvironment(document: ConfigDocument, environment: Environment): string[] {
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || OTHER_VARIABLES.includes(name)) continue;
    const setting = SETTING_VARIABLES.get(SHORT_FORMS.get(name) ?? name);
    if (setting === undefined) {
      const near = nearestWord(name, [...SETTING_VARIABLES.keys(), ...SHORT_FORMS.keys()]);
      warnings.push(
        `environment variable ${name} names no setting${near === undefined ? "" : `; did you mean ${near}?`}`,
      );
      continue;
    }
    const items = text.split(",").map((item) => item.trim());
    document.setFromVariable(setting.path, setting.isList ? items.filter((item) => item !== "") : text, name);
  }
  return warnings;
}

/** `sip.udpPort` → `TANDEM_SIP_UDP_PORT`. */
export function variableOf(path: ConfigPath): string {
  return (
    PREFIX +
    path
      .map((key) =>
        String(key)
          .replace(/[A-Z]/g, (letter) => `_${letter}`)
          .toUpperCase(),
      )
      .join("_")
  );
}

function leavesOf(shape: Readonly<Record<string, z.ZodType>>, path: ConfigPath): SettingVariable[] {
  return Object.entries(shape).flatMap(([key, schema]): SettingVariable[] => {
    const at = [...path, key];
    const inner = withoutDefault(schema);
    if (inner instanceof z.ZodObject) return leavesOf(inner.shape, at);
    if (!(inner instanceof z.ZodArray)) return [{ name: variableOf(at), path: at, isList: false }];
    return inner.element instanceof z.ZodObject ? [] : [{ name: variableOf(at), path: at, isList: true }];
  });
}

/** The schema behind `.default()` and its like. */
export function withoutDefault(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}
