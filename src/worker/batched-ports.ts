/**
 * UDP sockets on Linux without libuv in between: non-blocking sockets, one epoll set, `recvfrom` straight into the
 * engine's memory and `sendto` straight out of it, called through the FFI package koffi (an optional dependency). Half
 * the cost of node:dgram for each packet; the price is that somebody has to poll.
 *
 * Layouts are those of Linux: socket(7), ip(7), ipv6(7), epoll_ctl(2).
 */

import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import { MediaError, messageOf } from "../base/errors.ts";
import { markOption } from "../base/service-mark.ts";
import { type AddressWords, parseAddress } from "../media/address.ts";
import {
  type BoundSocket,
  DATAGRAM_PLACE_BYTES,
  type DatagramPorts,
  type DatagramSink,
  type DatagramStats,
  type OutgoingDatagram,
  systemError,
} from "./datagram-port.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const O_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const MSG_DONTWAIT = 0x40;
/** `recvfrom` returns the datagram's real length, longer than the place or not. */
const MSG_TRUNC = 0x20;
const EINTR = 4;
const EAGAIN = 11;
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  13: "EACCES",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  105: "ENOBUFS",
};

const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const MAPPED_WORD2 = 0xffff;
/** Enough for a stall of half a second at the highest packet rate of one leg. */
const RECEIVE_BUFFER_BYTES = 64 * 1024;
const EVENTS_MAX = 512;
/** Datagrams taken from one socket in one poll; what is left waits for the next. */
const PASSES_MAX = 16;

/** The calls that are needed; numbers where the kernel wants addresses of the engine's memory. */
interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  dup3(oldFd: number, newFd: number, flags: number): number;
  close(fd: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  epollWait(epoll: number, events: Uint8Array, count: number, timeoutMs: number): number;
  recvfrom(fd: number, at: number, length: number, flags: number, source: Uint8Array, sourceLength: Uint8Array): number;
  sendto(fd: number, at: number, length: number, flags: number, target: Uint8Array, targetLength: number): number;
  errno(): number;
  addressOf(memory: Uint8Array): number;
}

/** Whether batched sockets work here: a function that makes them, or the reason why not. */
export type BatchedPorts =
  | { readonly open: (sink: DatagramSink) => DatagramPorts; readonly error?: undefined }
  | { readonly open?: undefined; readonly error: MediaError };

/** Loads the FFI package and looks the calls up. */
export function openBatchedPorts(dscp = 0): BatchedPorts {
  try {
    const libc = loadLibc();
    return { open: (sink) => new EpollPorts(libc, sink, dscp) };
  } catch (error) {
    return { error: new MediaError("MEDIA_NO_PORT", `batched sockets cannot be used: ${messageOf(error)}`) };
  }
}

function loadLibc(): Libc {
  if (process.platform !== "linux") throw new Error(`they need Linux, this is ${process.platform}`);
  // Optional: it may be missing, or have no binary for this machine.
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const libc = koffi.load(null);
  return {
    socket: libc.func("int socket(int, int, int)"),
    bind: libc.func("int bind(int, const void *, uint32_t)"),
    getsockname: libc.func("int getsockname(int, void *, void *)"),
    setsockopt: libc.func("int setsockopt(int, int, int, const void *, uint32_t)"),
    dup3: libc.func("int dup3(int, int, int)"),
    close: libc.func("int close(int)"),
    epollCreate: libc.func("int epoll_create1(int)"),
    epollControl: libc.func("int epoll_ctl(int, int, int, const void *)"),
    epollWait: libc.func("int epoll_wait(int, void *, int, int)"),
    recvfrom: libc.func("intptr_t recvfrom(int, uintptr_t, size_t, int, void *, void *)"),
    sendto: libc.func("intptr_t sendto(int, uintptr_t, size_t, int, const void *, uint32_t)"),
    errno: () => koffi.errno(),
    addressOf: (memory) => Number(koffi.address(memory)),
  };
}

interface OpenSocket {
  readonly fd: number;
  readonly isIPv6: boolean;
  /** Destination of the last datagram as the kernel wants it; rewritten only when it changes. */
  readonly target: Uint8Array;
  word0: number;
  word1: number;
  word2: number;
  word3: number;
  port: number;
}

class EpollPorts implements DatagramPorts {
  readonly kind = "batched";
  readonly needsPolling = true;
  /** Never called: everything comes by `poll`. */
  onArrival: (() => void) | undefined;

  readonly #libc: Libc;
  readonly #dscp: number;
  readonly #sink: DatagramSink;
  readonly #sinkAt: number;
  readonly #epoll: number;
  /** x86-64 packs `epoll_event`, other machines align its data. */
  readonly #eventBytes = process.arch === "x64" ? 12 : 16;
  readonly #events: Uint8Array;
  readonly #eventWords: Int32Array;
  readonly #source = new Uint8Array(SOCKADDR_IN6_BYTES);
  readonly #sourceView = new DataView(this.#source.buffer);
  readonly #sourceLength = new Uint8Array(4);
  readonly #sourceLengthWord = new Uint32Array(this.#sourceLength.buffer);
  readonly #from: AddressWords = { word0: 0, word1: 0, word2: 0, word3: 0 };
  readonly #sockets: (OpenSocket | undefined)[] = [];
  readonly #free: number[] = [];
  #isClosed = false;
  #received = 0;
  #sent = 0;
  #sendErrors = 0;
  #receiveErrors = 0;

  constructor(libc: Libc, sink: DatagramSink, dscp: number) {
    this.#libc = libc;
    this.#dscp = dscp;
    this.#sink = sink;
    // The engine's memory never moves, so its address can be kept.
    this.#sinkAt = libc.addressOf(sink.bytes);
    this.#events = new Uint8Array(this.#eventBytes * EVENTS_MAX);
    this.#eventWords = new Int32Array(this.#events.buffer);
    this.#epoll = this.#adopt(libc.epollCreate(O_CLOEXEC), "epoll_create1");
  }

  // Not async inside: a socket of this kind is there at once.
  bind(address: string, port: number): Promise<BoundSocket> {
    try {
      return Promise.resolve(this.#bind(address, port));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  send(socket: number, datagram: OutgoingDatagram): void {
    const open = this.#sockets[socket];
    if (open === undefined) return;
    if (
      open.port !== datagram.port ||
      open.word3 !== datagram.word3 ||
      open.word2 !== datagram.word2 ||
      open.word1 !== datagram.word1 ||
      open.word0 !== datagram.word0
    ) {
      aim(open, datagram);
    }
    const { length } = datagram;
    const sent = this.#libc.sendto(
      open.fd,
      this.#sinkAt + datagram.offset,
      length,
      MSG_DONTWAIT,
      open.target,
      open.target.length,
    );
    if (sent === length) this.#sent++;
    else this.#sendErrors++;
  }

  poll(): number {
    let total = 0;
    if (this.#isClosed) return total;
    // One datagram of each ready socket a pass: a read that only finds a socket empty would cost as much as a real one.
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const ready = this.#libc.epollWait(this.#epoll, this.#events, EVENTS_MAX, 0);
      for (let i = 0; i < ready; i++) if (this.#receiveFrom(this.#eventData(i))) total++;
      if (ready <= 0) break;
    }
    return total;
  }

  close(socket: number): void {
    const open = this.#sockets[socket];
    if (open === undefined) return;
    this.#sockets[socket] = undefined;
    this.#libc.epollControl(this.#epoll, EPOLL_CTL_DEL, open.fd, this.#events);
    closeSync(open.fd);
    this.#free.push(socket);
  }

  closeAll(): void {
    for (let index = 0; index < this.#sockets.length; index++) this.close(index);
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#epoll);
  }

  stats(): DatagramStats {
    return {
      received: this.#received,
      sent: this.#sent,
      sendErrors: this.#sendErrors,
      receiveErrors: this.#receiveErrors,
      sockets: this.#sockets.length - this.#free.length,
    };
  }

  #bind(address: string, port: number): BoundSocket {
    if (this.#isClosed) throw new Error("these sockets are closed");
    const libc = this.#libc;
    const family = isIPv6(address) ? AF_INET6 : AF_INET;
    const fd = this.#adopt(libc.socket(family, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), "socket");
    try {
      const words = parseAddress(address);
      const open: OpenSocket = {
        fd,
        isIPv6: family === AF_INET6,
        target: new Uint8Array(family === AF_INET6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES),
        ...words,
        port,
      };
      aim(open, { ...words, port });
      const size = new Uint8Array(new Uint32Array([RECEIVE_BUFFER_BYTES]).buffer);
      libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, size.length);
      if (this.#dscp !== 0) {
        const { level, name, value } = markOption(this.#dscp, open.isIPv6);
        libc.setsockopt(fd, level, name, value, value.length);
      }
      if (libc.bind(fd, open.target, open.target.length) < 0) throw this.#error(`bind ${address}:${port}`);
      const bound = port === 0 ? this.#portOf(fd) : port;
      const index = this.#free.pop() ?? this.#sockets.length;
      this.#sockets[index] = open;
      const event = new Uint8Array(16);
      const view = new DataView(event.buffer);
      view.setUint32(0, EPOLLIN, true);
      view.setUint32(this.#eventBytes === 12 ? 4 : 8, index, true);
      if (libc.epollControl(this.#epoll, EPOLL_CTL_ADD, fd, event) < 0) {
        this.#sockets[index] = undefined;
        this.#free.push(index);
        throw this.#error("epoll_ctl");
      }
      return { socket: index, port: bound };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #portOf(fd: number): number {
    const name = new Uint8Array(SOCKADDR_IN6_BYTES);
    const nameLength = new Uint8Array(new Uint32Array([name.length]).buffer);
    if (this.#libc.getsockname(fd, name, nameLength) < 0) throw this.#error("getsockname");
    return (name[2]! << 8) | name[3]!;
  }

  /**
   * Moves a descriptor to a number that Node has opened itself: Node closes those when a thread is killed, and a socket
   * that it did not know would hold its port for as long as the process lives.
   */
  #adopt(fd: number, call: string): number {
    if (fd < 0) throw this.#error(call);
    let known: number;
    try {
      known = openSync("/dev/null", "r");
    } catch (error) {
      this.#libc.close(fd);
      throw error;
    }
    const moved = this.#libc.dup3(fd, known, O_CLOEXEC);
    this.#libc.close(fd);
    if (moved < 0) {
      closeSync(known);
      throw this.#error("dup3");
    }
    return known;
  }

  /** @returns true when there was a datagram */
  #receiveFrom(index: number): boolean {
    const open = this.#sockets[index];
    if (open === undefined) return false;
    const libc = this.#libc;
    const sink = this.#sink;
    this.#sourceLengthWord[0] = SOCKADDR_IN6_BYTES;
    const at = this.#sinkAt + sink.place();
    // Making a place may have closed this very socket; its descriptor is somebody else's then.
    if (this.#sockets[index] !== open) return false;
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const length = libc.recvfrom(open.fd, at, DATAGRAM_PLACE_BYTES, flags, this.#source, this.#sourceLength);
    if (length < 0) {
      const errno = libc.errno();
      if (errno !== EAGAIN && errno !== EINTR) this.#receiveErrors++;
      return false;
    }
    this.#received++;
    sink.accept(index, length, this.#readSource(), this.#sourceView.getUint16(2));
    return true;
  }

  #readSource(): AddressWords {
    const view = this.#sourceView;
    const from = this.#from;
    if (view.getUint16(0, true) === AF_INET6) {
      from.word0 = view.getUint32(8);
      from.word1 = view.getUint32(12);
      from.word2 = view.getUint32(16);
      from.word3 = view.getUint32(20);
    } else {
      from.word0 = 0;
      from.word1 = 0;
      from.word2 = MAPPED_WORD2;
      from.word3 = view.getUint32(4);
    }
    return from;
  }

  #eventData(index: number): number {
    return this.#eventWords[(index * this.#eventBytes + (this.#eventBytes === 12 ? 4 : 8)) >> 2]!;
  }

  #error(call: string): Error {
    const errno = this.#libc.errno();
    return systemError(ERRNO_NAMES[errno] ?? `E${errno}`, call);
  }
}

/** Writes a destination as sockaddr_in or sockaddr_in6, whichever the socket takes. */
function aim(open: OpenSocket, to: AddressWords & { readonly port: number }): void {
  const view = new DataView(open.target.buffer);
  view.setUint16(0, open.isIPv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, to.port);
  if (open.isIPv6) {
    view.setUint32(8, to.word0);
    view.setUint32(12, to.word1);
    view.setUint32(16, to.word2);
    view.setUint32(20, to.word3);
  } else {
    view.setUint32(4, to.word3);
  }
  open.port = to.port;
  open.word0 = to.word0;
  open.word1 = to.word1;
  open.word2 = to.word2;
  open.word3 = to.word3;
}
