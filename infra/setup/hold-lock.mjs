import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LOCK = join(fileURLToPath(new URL('../..', import.meta.url)), '.streamfold', 'setup.lock');

/** Runs `work` while no other set-up works on this checkout. A lock with a dead owner is taken over. */
export async function holdLock(work) {
  mkdirSync(join(LOCK, '..'), { recursive: true });
  for (let told = false; !take();) {
    if (!told) console.log('streamfold: waiting for another set-up of this checkout …');
    told = true;
    await pause(200);
  }
  try {
    await work();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function take() {
  try {
    mkdirSync(LOCK);
    writeFileSync(join(LOCK, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!ownerIsDead()) return false;
    rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function ownerIsDead() {
  try {
    const pid = Number(readFileSync(join(LOCK, 'pid'), 'utf8'));
    if (pid === 0) return false; // the owner has just taken the lock and not yet written its ID
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
