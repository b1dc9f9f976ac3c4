// A response body that is written while it comes into being, between whoever makes it (sql-stream.ts) and whoever sends
// it (../node/http-sql.ts, mount-sql.ts).

/** The sending side. */
export interface BodySink {
  /** Takes the memory over. false: there is a backlog, `drained` will be called when it is gone. */
  write(bytes: Uint8Array): boolean;
  /** Bytes that the network has not yet taken. */
  readonly bufferedBytes: number;
  /** The body is whole. */
  end(): void;
  /** The body will never be whole: close the connection. */
  destroy(): void;
}

/** The making side. */
export interface StreamedBody {
  /** Once: from now on the body is written to `sink`. */
  start(sink: BodySink): void;
  /** The sink's backlog is gone. */
  drained(): void;
  /** The caller is gone. Can be called at any time, also twice. */
  abandon(): void;
}

/** The same as fetch knows it. */
export function toReadableStream(body: StreamedBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.start({
          write(bytes) {
            controller.enqueue(bytes);
            return (controller.desiredSize ?? 0) > 0;
          },
          get bufferedBytes() {
            return Math.max(0, highWaterBytes - (controller.desiredSize ?? highWaterBytes));
          },
          end: () => controller.close(),
          destroy: () => controller.error(new Error('the response was given up')),
        });
      },
      pull: () => body.drained(),
      cancel: () => body.abandon(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: highWaterBytes }),
  );
}

const highWaterBytes = 65_536;
