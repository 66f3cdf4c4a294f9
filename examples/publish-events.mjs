// Publishes a few events and waits until they are in the stream.
//
//   node examples/publish-events.mjs redis://127.0.0.1:6379
import { createPublisher } from '@streamfold/publisher';

const publisher = createPublisher({ redisUrl: process.argv[2] ?? 'redis://127.0.0.1:6379' });

// Takes the event and returns at once, whatever becomes of Redis. Never throws.
const outcome = publisher.publish({
  type: 'signal.sent',
  swarm_id: 's1',
  sender_id: 'a',
  receiver_id: 'b',
  signal_type: 'handoff',
});
if (outcome.status !== 'accepted') console.error('not taken:', outcome);

// Or wait until it is in the stream.
const { entryIds } = await publisher.append({
  type: 'coordinator.started',
  swarm_id: 's1',
  coordinator_id: 'c1',
});
console.log('appended as', entryIds.join(', '));

const { undelivered } = await publisher.close(); // delivers what is left
console.log('undelivered:', undelivered);
