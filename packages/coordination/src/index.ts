export { cleanUp, retainEnded, type CleanupOptions, type CleanupVerdict, type Retained } from './clean-up.ts';
export { CoordinationError, type CoordinationFailure } from './coordination-error.ts';
export type { AckOutcome } from './acknowledge-signal.ts';
export { joinSwarm, type Coordinator } from './coordinator.ts';
export type { Work } from './list-work.ts';
export { callFunction } from './call-function.ts';
export {
  ensureLibrary,
  LIBRARY,
  readLibraryEdition,
  type FunctionName,
  type LibraryEdition,
} from './function-library.ts';
export type { Heartbeat, HeartbeatOptions } from './heartbeat.ts';
export {
  createKeyRing,
  parseKeys,
  type KeyRing,
  type KeyRingOptions,
  type SignatureFault,
} from './key-ring.ts';
export type { RejectionDetail } from './judge-signal.ts';
export { readMonitor, type MonitorState } from './read-monitor.ts';
export { stepMonitor, type MonitorSettings, type MonitorStep } from './monitor.ts';
export type { CoordinationObserver, CoordinatorOptions } from './options.ts';
export { readNearBound, type NearBound } from './read-near-bound.ts';
export type { SendOptions } from './send-signal.ts';
export type { ReceivedSignal, SentSignal } from './signal.ts';
export type { TakenOver } from './take-over.ts';
export type { WaitOptions, WaitResult } from './wait-for-acks.ts';
export { readSigningSettings, type SigningEnvironment } from './read-signing-settings.ts';
