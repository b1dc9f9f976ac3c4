/**
 * Finds callers who vanished without a word. One timer for all of them: each tick looks after one slot, so that ten
 * thousand pings do not leave in the same moment.
 */
import type { Clock, Timer } from '@postern/pool';

export interface HeartbeatPeer {
  /** Called once per interval: ping, or give up if the last ping was not answered. */
  beat(): void;
}

export interface Heartbeat {
  add(peer: HeartbeatPeer): void;
  remove(peer: HeartbeatPeer): void;
}

export interface HeartbeatOptions {
  clock: Clock;
  /** Between two pings to one peer. Most proxies drop a WebSocket that is silent for 60 s. */
  intervalMs?: number;
  slots?: number;
}

export function createHeartbeat({ clock, intervalMs = 30_000, slots = 30 }: HeartbeatOptions): Heartbeat {
  const peersBySlot = Array.from({ length: slots }, () => new Set<HeartbeatPeer>());
  const slotOf = new Map<HeartbeatPeer, Set<HeartbeatPeer>>();
  let current = 0;
  let timer: Timer | undefined;

  function tick(): void {
    timer = clock.after(intervalMs / slots, tick);
    current = (current + 1) % slots;
    for (const peer of peersBySlot[current] ?? []) peer.beat();
  }

  return {
    add(peer) {
      // The slot whose turn has just been: the peer's first beat is a whole interval away.
      const slot = peersBySlot[current]!;
      slot.add(peer);
      slotOf.set(peer, slot);
      timer ??= clock.after(intervalMs / slots, tick);
    },
    remove(peer) {
      slotOf.get(peer)?.delete(peer);
      slotOf.delete(peer);
      if (slotOf.size > 0) return;
      timer?.cancel();
      timer = undefined;
    },
  };
}
