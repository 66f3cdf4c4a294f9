import { parentPort } from 'node:worker_threads';
import { deflateBatch, type Batch } from './deflate-batch.ts';

// The thread of `deflater.ts`: compresses one batch after the other.
parentPort?.on('message', (batch: Batch) => {
  const deflated = deflateBatch(batch);
  parentPort?.postMessage(deflated, [deflated.bytes.buffer, deflated.room]);
});
