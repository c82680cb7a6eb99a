/** The name of a caller, where the trunk asks for it (R-CNAM-1). */

import type { CallContext } from "./call-context.ts";

/**
 * @returns "" without a lookup, without a name, and for callers who hide
 */
export async function lookUpCaller(
  ctx: CallContext,
  trunk: { readonly sid: string; readonly accountSid: string; readonly cnamLookup: boolean },
  caller: { readonly number: string | undefined; readonly hidden: boolean },
): Promise<string> {
  if (!trunk.cnamLookup || caller.hidden || caller.number === undefined) return "";
  return await ctx.callerNames.of(caller.number, () => ctx.usage.count(trunk, "lookups"));
}
