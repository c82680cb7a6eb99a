/** Certificates that live as long as a demonstration: an authority of its own and one server certificate. */

import { generate } from "selfsigned";

export interface DemoCertificates {
  readonly certPem: string;
  readonly keyPem: string;
  /** What the other side has to trust. */
  readonly caPem: string;
}

/**
 * @param names - DNS names, wildcards allowed
 * @param address - IP address that the certificate is also good for
 */
export async function makeCertificates(names: readonly string[], address = "127.0.0.1"): Promise<DemoCertificates> {
  const made = await generate([{ name: "commonName", value: names[0] ?? "localhost" }], {
    keySize: 2048,
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [...names.map((value) => ({ type: 2 as const, value })), { type: 7 as const, ip: address }],
      },
    ],
  });
  return { certPem: made.cert, keyPem: made.private, caPem: made.cert };
}
