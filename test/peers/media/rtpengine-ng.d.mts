/** One command of rtpengine's ng protocol and its reply. */
export function ng(port: number, host: string, command: object): Promise<{ result: string; sdp: string }>;
