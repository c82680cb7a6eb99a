/** A SIP URI in parts, as the rules read and make them: the same shape as the SIP layer's own, which rules may not import. */

/** A URI that is read. */
export interface UriParts {
  /** Lower case. */
  readonly scheme: string;
  readonly user: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyMap<string, string>;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A URI that was made here; whoever gets it may keep and change it. */
export interface MadeUri {
  scheme: string;
  user: string | undefined;
  host: string;
  port: number | undefined;
  params: Map<string, string>;
  headers: [name: string, value: string][];
}

export type HeaderList = [name: string, value: string][];
