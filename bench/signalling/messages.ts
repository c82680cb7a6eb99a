/** The messages that are measured: what a PBX sends. */

interface Ports {
  readonly theirs: number;
  readonly ours: number;
}

const SDP = [
  "v=0",
  "o=office 20518 1 IN IP4 127.0.0.1",
  "s=call",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=audio 40000 RTP/AVP 0 8 101",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:101 telephone-event/8000",
  "a=fmtp:101 0-15",
  "a=ptime:20",
  "a=sendrecv",
  "a=rtcp:40001",
  "",
].join("\r\n");

/** 14 headers and SDP, 1.1 KB. Every call has numbers of its own. */
export function inviteOf(index: number, { theirs, ours }: Ports): string {
  const number = String(1_000_000 + index);
  return [
    `INVITE sip:+15550200300@127.0.0.1:${ours} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${theirs};branch=z9hG4bK-524287-1---${number}c0ffee;rport`,
    "Max-Forwards: 70",
    `From: "Office" <sip:+1555${number}@127.0.0.1:${theirs}>;tag=a${number}`,
    `To: <sip:+15550200300@127.0.0.1:${ours}>`,
    `Call-ID: ${number}-8471-4c6e-b1d2-9f0e2b0c6f1f@127.0.0.1`,
    "CSeq: 1 INVITE",
    `Contact: <sip:+1555${number}@127.0.0.1:${theirs};transport=udp>`,
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REFER, NOTIFY",
    "Supported: replaces, timer, path",
    "User-Agent: Office PBX 4.2.17 (build 20518)",
    `P-Asserted-Identity: "Office, Reception" <sip:+1555${number}@127.0.0.1;user=phone>`,
    "Session-Expires: 1800;refresher=uac",
    "Min-SE: 90",
    "X-Account-Reference: 7d1c4b3e-08a5-4f6e-9f0e-2b0c6f1f5a11",
    "Content-Type: application/sdp",
    `Content-Length: ${SDP.length}`,
    "",
    SDP,
  ].join("\r\n");
}

export function optionsOf(index: number, { theirs, ours }: Ports): string {
  const number = String(1_000_000 + index);
  return [
    `OPTIONS sip:127.0.0.1:${ours} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${theirs};branch=z9hG4bK-524287-2---${number}c0ffee;rport`,
    "Max-Forwards: 70",
    `From: <sip:ping@127.0.0.1:${theirs}>;tag=o${number}`,
    `To: <sip:127.0.0.1:${ours}>`,
    `Call-ID: ${number}-8472@127.0.0.1`,
    "CSeq: 1 OPTIONS",
    `Contact: <sip:127.0.0.1:${theirs}>`,
    "User-Agent: Office PBX 4.2",
    "Accept: application/sdp",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

/** ACK or BYE in the dialog that a 200 made. */
export function inDialog(method: "ACK" | "BYE", answer: string, { theirs, ours }: Ports): string {
  const field = (name: string): string => new RegExp(`\r\n${name}: ([^\r]*)`).exec(answer)![1]!;
  return [
    `${method} sip:127.0.0.1:${ours} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${theirs};branch=z9hG4bK-${method}-${field("Call-ID")};rport`,
    "Max-Forwards: 70",
    `From: ${field("From")}`,
    `To: ${field("To")}`,
    `Call-ID: ${field("Call-ID")}`,
    `CSeq: ${method === "ACK" ? 1 : 2} ${method}`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}
