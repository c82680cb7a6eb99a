/** Everybody around the gateway: a carrier, two PBXs, a telephone, a consumer of streams, a web application. */

import type { Clock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { Application } from "../../simulator/application.ts";
import { Consumer } from "../../simulator/consumer.ts";
import { type CallScript, Party } from "../../simulator/party.ts";
import { toUlaw } from "../../simulator/tones.ts";
import type { DemoCertificates } from "./certificates.ts";
import { melody } from "./melody.ts";

const ADDRESS = "127.0.0.1";

export interface Stage {
  readonly carrier: Party;
  readonly silentPbx: Party;
  readonly pbx: Party;
  readonly telephone: Party;
  readonly consumer: Consumer;
  readonly application: Application;
  readonly ports: {
    readonly carrierPort: number;
    readonly silentPort: number;
    readonly pbxPort: number;
    readonly applicationUrl: string;
    readonly consumerUrl: string;
  };
  stop(): Promise<void>;
}

export async function startStage(clock: Clock, certificates: DemoCertificates): Promise<Stage> {
  const udp = async (name: string, script: CallScript): Promise<Party> =>
    await Party.start({
      name,
      clock,
      log: silentLog,
      address: ADDRESS,
      listen: [{ transport: "udp", address: ADDRESS, port: 0 }],
      script: () => script,
    });
  const tune = toUlaw(melody(0.5));
  const carrier = await udp("carrier", { kind: "answer", afterMs: 300, play: tune, loop: true });
  const silentPbx = await udp("silent PBX", { kind: "silent" });
  const pbx = await udp("PBX", { kind: "answer", afterMs: 200, play: tune, loop: true });
  const telephone = await Party.start({
    name: "telephone",
    clock,
    log: silentLog,
    address: ADDRESS,
    listen: [{ transport: "tls", address: ADDRESS, port: 0 }],
    tls: { certPem: certificates.certPem, keyPem: certificates.keyPem, caPem: certificates.caPem },
    security: "required",
  });
  const consumer = await Consumer.start({ clock, mode: "echo" });
  const application = await Application.start(
    new Map([
      [
        "/voice",
        () =>
          `<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="${consumer.url}"><Parameter name="demo" value="tandem"/></Stream></Connect></Response>`,
      ],
    ]),
  );
  const parties = [carrier, silentPbx, pbx, telephone];
  return {
    carrier,
    silentPbx,
    pbx,
    telephone,
    consumer,
    application,
    ports: {
      carrierPort: carrier.stack.listening[0]!.port,
      silentPort: silentPbx.stack.listening[0]!.port,
      pbxPort: pbx.stack.listening[0]!.port,
      applicationUrl: application.url,
      consumerUrl: consumer.url,
    },
    async stop() {
      await Promise.all(parties.map((party) => party.stop()));
      await consumer.stop();
      await application.stop();
    },
  };
}
