/** `tandem`: the gateway as a library. The media core alone is `tandem/media`, the SIP stack `tandem/sip`. */

export type { Clock } from "./base/clock.ts";
export * from "./base/errors.ts";
export type { GatewayConfig } from "./base/gateway-config.ts";
export type { Log } from "./base/log.ts";
export { Gateway, type GatewayOptions } from "./gateway.ts";
export { MediaCore } from "./media/index.ts";
