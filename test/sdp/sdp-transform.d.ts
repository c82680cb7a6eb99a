/** The part of sdp-transform that the tests use as a second opinion. */
declare module "sdp-transform" {
  interface ParsedMedia {
    readonly type: string;
    readonly port: number;
    readonly protocol: string;
    readonly payloads?: string;
    readonly connection?: { readonly ip: string };
    readonly rtp: readonly { readonly payload: number; readonly codec: string }[];
    readonly fmtp: readonly { readonly payload: number; readonly config: string }[];
    readonly crypto?: readonly { readonly id: number; readonly suite: string; readonly config: string }[];
  }
  export function parse(text: string): {
    readonly origin: { readonly sessionId: number; readonly sessionVersion: number; readonly address: string };
    readonly connection?: { readonly ip: string };
    readonly media: readonly ParsedMedia[];
  };
}
