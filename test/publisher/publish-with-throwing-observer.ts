import { createPublisher } from '@streamfold/publisher';
import { signalSent } from './signal-sent.ts';

// A program: publishes to the Redis that its argument names, with an observer that throws at every call.

const uncaught: string[] = [];
process.on('uncaughtException', (error) => uncaught.push(error.message));

function refuse(what: string): never {
  throw new Error(what);
}

const publisher = createPublisher({
  url: process.argv[2] ?? '',
  prefix: 'throwing',
  observer: {
    connected: () => refuse('connected'),
    published: () => refuse('published'),
    duplicate: () => refuse('duplicate'),
    dropped: ({ reason }) => refuse(reason),
  },
});
await publisher.ready();
publisher.publish({ ...signalSent(0), swarm_id: '' });
publisher.publish(signalSent(1));
publisher.publish(signalSent(2, { id: 'two' }));
publisher.publish(signalSent(2, { id: 'two' }));
await publisher.close();
const { published, duplicates, dropped } = publisher.stats();
process.stdout.write(JSON.stringify({ published, duplicates, invalid: dropped.invalid, uncaught }));
