/** The store that a configuration asks for, with the declared objects in it. */

import { dirname, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { loadOperatorKey } from "../store/operator-key.ts";
import { parseOperatorKey, Secrets } from "../store/secrets.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { LoadedConfig } from "./config.ts";
import { applyDeclared, declaredLines } from "./declare.ts";

/** @throws StoreError when the data file or its key cannot be used */
export async function openStore(
  { settings, objects }: LoadedConfig,
  clock: Clock,
  log: Log,
): Promise<{ store: Store; secrets: Secrets }> {
  const { path } = settings.store;
  const { operatorKey, operatorKeyFile } = settings.auth;
  let secrets: Secrets;
  let store: Store;
  if (path === null) {
    const key = operatorKey === null ? null : parseOperatorKey(operatorKey);
    secrets = key === null ? Secrets.ephemeral() : new Secrets(key);
    store = new MemoryStore();
  } else {
    const loaded = loadOperatorKey({
      ...(operatorKey === null ? {} : { text: operatorKey }),
      ...(operatorKeyFile === null ? {} : { file: operatorKeyFile }),
      fallbackFile: join(dirname(path), "operator.key"),
    });
    if (loaded.created)
      log.warn("a new operator key was written: back it up apart from the data", { file: loaded.origin });
    secrets = new Secrets(loaded.key);
    const durable = new SqliteStore({ path, secrets, clock });
    if (!durable.writable) log.warn("the data file can only be read: calls are served, changes are refused", { path });
    store = durable;
  }
  const plan = await applyDeclared(objects, {
    store,
    secrets,
    now: clock.wallTime().toISOString(),
    symmetricDefault: settings.media.symmetricDefault,
  });
  for (const { text, fields } of declaredLines(plan)) log.info(text, fields);
  return { store, secrets };
}
