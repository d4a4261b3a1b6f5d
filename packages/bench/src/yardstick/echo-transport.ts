/**
 * The client's yardstick: the client does all its work for each request, against a server that only sends bytes back. What stands between
 * them is this transport. It replaces each request that the client has written by the answer that the request will get, with the
 * request's id in it; the server echoes that, and the client takes it for its answer. So frames of an answer's size go both ways, the
 * client encodes, matches and decodes as ever, and replacing costs this process a copy for each request.
 */
import { FRAME_FLAG_ANSWER, FrameOffset, Opcode, type OpcodeNumber, ByteWriter, beginFrame, endFrame, opcodeName } from '@k-lani/protocol';
import { type Link, type LinkReceiver, type Transport, tcpTransport } from 'k-lani-client';

/** What writes the payload of an opcode's answer. */
export type AnswerWriter = (writer: ByteWriter) => void;

/** Opcodes of a session's beginning and end: answered here, without a way to the server. */
const LOCAL_OPCODES: ReadonlySet<number> = new Set([Opcode.Handshake, Opcode.Disconnect, Opcode.OpenTable, Opcode.CreateTable]);

/** Answers are laid down one behind the other, so that a write costs no buffer of its own. */
const SLAB_BYTES = 32 * 1024;
const SLAB_RESERVE_BYTES = 8 * 1024;

/** A transport over TCP to an echo server, with an answer for each opcode that the client will use. */
export function echoTransport(answers: ReadonlyMap<OpcodeNumber, AnswerWriter>): Transport {
  const frames: (AnswerFrame | undefined)[] = Array.from({ length: 256 });
  for (const [opcode, write] of answers) frames[opcode] = answerFrame(opcode, write);
  return {
    connect: (url, receiver) => new EchoLink(url, receiver, frames),
    endOfTurn: (callback) => tcpTransport.endOfTurn(callback),
  };
}

/** An answer, all but its request id. */
interface AnswerFrame {
  readonly bytes: Uint8Array;
  /** It is given here, without a way to the server. */
  readonly isLocal: boolean;
}

function answerFrame(opcode: OpcodeNumber, write: AnswerWriter): AnswerFrame {
  const writer = new ByteWriter();
  const start = beginFrame(writer, opcode, FRAME_FLAG_ANSWER, 0, 0, 0);
  write(writer);
  endFrame(writer, start);
  return { bytes: writer.bytes.slice(0, writer.length), isLocal: LOCAL_OPCODES.has(opcode) };
}

class EchoLink implements Link {
  readonly #receiver: LinkReceiver;
  readonly #frames: readonly (AnswerFrame | undefined)[];
  readonly #link: Link;
  #slab = new ByteWriter({ capacityBytes: SLAB_BYTES });

  constructor(url: string, receiver: LinkReceiver, frames: readonly (AnswerFrame | undefined)[]) {
    this.#receiver = receiver;
    this.#frames = frames;
    this.#link = tcpTransport.connect(url, receiver);
  }

  get unwrittenBytes(): number {
    return this.#link.unwrittenBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#slab.length > SLAB_BYTES - SLAB_RESERVE_BYTES) this.#slab = new ByteWriter({ capacityBytes: SLAB_BYTES });
    const slab = this.#slab;
    const first = slab.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let offset = 0; offset < bytes.length; offset += view.getUint32(offset + FrameOffset.length, true)) {
      const opcode = view.getUint8(offset + FrameOffset.opcode);
      const frame = this.#frames[opcode];
      if (frame === undefined) throw new Error(`Cannot answer ${opcodeName(opcode)}: the echo has no answer for it`);
      const start = slab.reserve(frame.bytes.length);
      slab.bytes.set(frame.bytes, start);
      slab.view.setUint32(start + FrameOffset.requestId, view.getUint32(offset + FrameOffset.requestId, true), true);
      if (!frame.isLocal) continue;
      const answer = slab.bytes.slice(start, slab.length);
      slab.length = start;
      tcpTransport.endOfTurn(() => this.#receiver.onData(answer));
    }
    if (slab.length > first) this.#link.write(slab.bytes.subarray(first, slab.length));
  }

  destroy(): void {
    this.#link.destroy();
  }
}
