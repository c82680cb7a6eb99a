/** The configuration of the demonstration: a YAML text like any other, so that it shows how one looks. */

export const BASE = "tandem.test";
export const USERNAME = "pbx";
export const PASSWORD = "Tune4Tandem-demo";
export const NUMBER = "+15550100300";
export const CALLER = "+15550100100";

export interface DemoPorts {
  readonly certFile: string;
  readonly keyFile: string;
  readonly dataFile: string;
  /** SIP port of the carrier and of the two PBXs, the first of which never answers. */
  readonly carrierPort: number;
  readonly silentPort: number;
  readonly pbxPort: number;
  readonly applicationUrl: string;
}

export function demoConfig(ports: DemoPorts): string {
  return `
domains:
  base: ${BASE}
sip:
  address: 127.0.0.1
  udpPort: 0
  tcpPort: 0
  tlsPort: 0
  overloadLagMs: 0
tls:
  certFile: ${ports.certFile}
  keyFile: ${ports.keyFile}
http:
  port: off
media:
  portMin: 0
  portMax: 0
  workers: 1
streams:
  allowInsecureWs: true
webhooks:
  allowPrivateAddresses: [127.0.0.0/8]
store: ${ports.dataFile}

accounts:
  - name: demo
    authToken: 0123456789abcdef0123456789abcdef
ipAccessControlLists:
  - name: loopback
    addresses: [127.0.0.0/8]
credentialLists:
  - name: pbx
    credentials:
      - username: ${USERNAME}
        password: ${PASSWORD}
connectionPolicies:
  - name: carrier
    targets:
      - name: carrier
        url: sip:127.0.0.1:${ports.carrierPort}
byocTrunks:
  - name: carrier
    connectionPolicy: carrier
    defaultCarrier: true
    voiceUrl: ${ports.applicationUrl}/voice
sipDomains:
  # The carrier delivers calls here.
  - name: carrier
    domain: carrier
    byocTrunk: carrier
    ipAccessControlLists: [loopback]
  # A telephone calls the application here, by TLS and SRTP only.
  - name: demo
    domain: demo
    byocTrunk: carrier
    secure: true
    credentialLists: [pbx]
trunks:
  - name: office
    domain: demo
    credentialLists: [pbx]
    ipAccessControlLists: [loopback]
    callerIdPolicy: any
    originationUrls:
      - name: first, never answers
        url: sip:127.0.0.1:${ports.silentPort}
        priority: 10
      - name: second
        url: sip:127.0.0.1:${ports.pbxPort}
        priority: 20
phoneNumbers:
  - number: "${NUMBER}"
    trunk: office
`;
}
