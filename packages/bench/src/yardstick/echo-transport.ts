/**
 * The client's yardstick: the client does all its work for each request, against a server that only sends bytes back. What stands between
 * them is this transport. It replaces each request that the client has written by the answer that the request will get, with the
 * request's id in it; the server echoes that, and the client takes it for its answer. So frames of an answer's size go both ways, the
 * client encodes, matches and decodes as ever, and replacing costs this process next to nothing.
 */
import {
  ByteWriter,
  FRAME_FLAG_ANSWER,
  FrameOffset,
  Opcode,
  type OpcodeNumber,
  beginFrame,
  encodeHandshakeAnswer,
  endFrame,
  opcodeName,
  type HandshakeAnswer,
} from '@k-lani/protocol';
import { type Link, type LinkReceiver, type Transport, tcpTransport } from 'k-lani-client';

/** What writes the payload of an opcode's answer. */
export type AnswerWriter = (writer: ByteWriter) => void;

/** Opcodes of a session's beginning and end: answered here, without a way to the server. */
const LOCAL_OPCODES: ReadonlySet<number> = new Set([Opcode.Handshake, Opcode.Disconnect, Opcode.OpenTable, Opcode.CreateTable]);

/** Requests of one link that may be unanswered; its answers are laid down so many times. */
const IN_FLIGHT_MAX = 256;

/**
 * A transport over TCP to an echo server.
 *
 * @param answers for each opcode that the client will use, but for the handshake
 */
export function echoTransport(
  handshake: Omit<HandshakeAnswer, 'maxInFlight'>,
  answers: ReadonlyMap<OpcodeNumber, AnswerWriter>,
): Transport {
  const frames = new Map<number, Uint8Array>();
  frames.set(
    Opcode.Handshake,
    answerFrame(Opcode.Handshake, (writer) => encodeHandshakeAnswer(writer, { ...handshake, maxInFlight: IN_FLIGHT_MAX })),
  );
  for (const [opcode, write] of answers) frames.set(opcode, answerFrame(opcode, write));
  return {
    connect: (url, receiver) => new EchoLink(url, receiver, frames),
    endOfTurn: (callback) => tcpTransport.endOfTurn(callback),
  };
}

function answerFrame(opcode: OpcodeNumber, write: AnswerWriter): Uint8Array {
  const writer = new ByteWriter();
  const start = beginFrame(writer, opcode, FRAME_FLAG_ANSWER, 0, 0, 0);
  write(writer);
  endFrame(writer, start);
  return writer.bytes.slice(0, writer.length);
}

class EchoLink implements Link {
  readonly #receiver: LinkReceiver;
  readonly #rings: (AnswerRing | undefined)[] = Array.from({ length: 256 });
  readonly #link: Link;

  constructor(url: string, receiver: LinkReceiver, frames: ReadonlyMap<number, Uint8Array>) {
    this.#receiver = receiver;
    for (const [opcode, frame] of frames) this.#rings[opcode] = new AnswerRing(frame, LOCAL_OPCODES.has(opcode));
    this.#link = tcpTransport.connect(url, receiver);
  }

  get unwrittenBytes(): number {
    return this.#link.unwrittenBytes;
  }

  write(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let running: AnswerRing | undefined;
    for (let offset = 0; offset < bytes.length; offset += view.getUint32(offset + FrameOffset.length, true)) {
      const opcode = view.getUint8(offset + FrameOffset.opcode);
      const ring = this.#rings[opcode];
      if (ring === undefined) throw new Error(`Cannot answer ${opcodeName(opcode)}: the echo has no answer for it`);
      if (running !== undefined && (running !== ring || ring.isAtEnd)) this.#send(running);
      ring.add(view.getUint32(offset + FrameOffset.requestId, true));
      running = ring;
    }
    if (running !== undefined) this.#send(running);
  }

  destroy(): void {
    this.#link.destroy();
  }

  #send(ring: AnswerRing): void {
    const answers = ring.take();
    if (ring.isLocal) tcpTransport.endOfTurn(() => this.#receiver.onData(answers));
    else this.#link.write(answers);
  }
}

/**
 * Copies of one answer, one behind the other and used in turn, so that only ids are written. A copy is used again when as many requests
 * were sent after it as may be in flight: then it has come back, and nobody reads it any more.
 */
class AnswerRing {
  /** Its answers are given here, without a way to the server. */
  readonly isLocal: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #frameSizeBytes: number;
  #start = 0;
  #end = 0;

  constructor(frame: Uint8Array, isLocal: boolean) {
    this.isLocal = isLocal;
    this.#frameSizeBytes = frame.length;
    this.#bytes = new Uint8Array(frame.length * IN_FLIGHT_MAX);
    this.#view = new DataView(this.#bytes.buffer);
    for (let start = 0; start < this.#bytes.length; start += frame.length) this.#bytes.set(frame, start);
  }

  /** The next copy is the first one again: what was added before has to be taken. */
  get isAtEnd(): boolean {
    return this.#end === this.#bytes.length;
  }

  add(requestId: number): void {
    if (this.isAtEnd) {
      this.#start = 0;
      this.#end = 0;
    }
    this.#view.setUint32(this.#end + FrameOffset.requestId, requestId, true);
    this.#end += this.#frameSizeBytes;
  }

  /** What was added since the last time. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }
}
