/** The unmodified `twilio` client in front of a whole gateway, as the account `main` of `startGateway`. */
import twilio from "twilio";
import { AUTH_TOKEN, type TestGateway } from "./gateway.ts";

export function accountOf({ gateway }: TestGateway): string {
  return [...gateway.store.list("accounts")].find(({ authToken }) => authToken === AUTH_TOKEN)!.sid;
}

export function gatewayClient(test: TestGateway): ReturnType<typeof twilio> {
  const client = twilio(accountOf(test), AUTH_TOKEN);
  const products = [client.trunking, client.voice, client.api, client.routes, client.insights, client.monitor];
  for (const product of products) product.baseUrl = test.gateway.httpUrl!;
  return client;
}

/** Form parameters of a webhook that was seen. */
export function formOf({ body }: { readonly body: string }): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body));
}
