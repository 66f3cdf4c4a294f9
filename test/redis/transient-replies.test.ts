import { isTransientReply } from '@streamfold/redis';
import { test } from '../harness/ava.ts';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

/** As servers of several versions and products worded them. */
const TRANSIENT = [
  'LOADING Redis is loading the dataset in memory',
  "READONLY You can't write against a read only replica.",
  'CLUSTERDOWN Hash slot not served',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'ERR Script attempted to access a non local key in a cluster node script: 5d2c, on @user_script:163.',
  'ERR Attempted to access a non local key in a cluster node script: on @user_script:163.',
  'ERR max number of clients reached',
];
const FINAL = [
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  'ERR unknown command',
  'NOPERM no',
];

test('a reply that says "not now" is recognised however the server words it', (t) => {
  t.deepEqual(
    TRANSIENT.filter((text) => !isTransientReply(reply(text))),
    [],
  );
  t.deepEqual(
    FINAL.filter((text) => isTransientReply(reply(text))),
    [],
  );
});
