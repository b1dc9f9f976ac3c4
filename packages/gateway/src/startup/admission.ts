/** How many callers may be inside, and how much those who have not shown who they are may occupy. */

import { isLoopbackHost } from '../endpoints/host-name.ts';

export interface AdmissionOptions {
  /** Callers at once over WebSocket and TCP, authenticated or not. */
  maxCallers?: number;
  /** Callers of one address that have not authenticated yet. Loopback is exempt: a reverse proxy lives there. */
  maxUnauthenticatedPerAddress?: number;
  /** Bytes all unauthenticated callers may have sent together before the greedy ones are dropped. */
  maxUnauthenticatedBytes?: number;
}

/** One caller's place. */
export interface AdmissionTicket {
  /** Counts bytes of a caller not yet authenticated; false when it must be dropped. */
  received(bytes: number): boolean;
  authenticated(): void;
  /** The caller is gone. May be called twice. */
  release(): void;
}

export interface Admission {
  /** Undefined: full. `reason` of the refusal is in `refusal`. */
  admit(address: string): AdmissionTicket | { refusal: string };
  readonly callers: number;
}

/** What a start-up packet and a password need at most; who stays below is never dropped for what others sent. */
const modestBytes = 131_072;

/** `part`: what of a limit is this process' where several serve the same ports. */
export function createAdmission(
  options: AdmissionOptions = {},
  part: (limit: number) => number = (limit) => limit,
): Admission {
  const maxCallers = part(options.maxCallers ?? 10_000);
  const maxUnauthenticatedPerAddress = part(options.maxUnauthenticatedPerAddress ?? 500);
  const maxUnauthenticatedBytes = part(options.maxUnauthenticatedBytes ?? 268_435_456);
  const unauthenticated = new Map<string, number>();
  let callers = 0;
  let unauthenticatedBytes = 0;

  function admit(address: string): AdmissionTicket | { refusal: string } {
    if (callers >= maxCallers) return { refusal: `the gateway has its maximum of ${maxCallers} callers` };
    const waiting = unauthenticated.get(address) ?? 0;
    if (waiting >= maxUnauthenticatedPerAddress && !isLoopbackHost(address)) {
      return {
        refusal: `too many unauthenticated connections from this address (limit ${maxUnauthenticatedPerAddress})`,
      };
    }
    callers += 1;
    unauthenticated.set(address, waiting + 1);
    let state: 'unauthenticated' | 'authenticated' | 'released' = 'unauthenticated';
    let sent = 0;

    function leaveUnauthenticated(): void {
      if (state !== 'unauthenticated') return;
      unauthenticatedBytes -= sent;
      const left = (unauthenticated.get(address) ?? 1) - 1;
      if (left > 0) unauthenticated.set(address, left);
      else unauthenticated.delete(address);
    }

    return {
      received(bytes) {
        if (state !== 'unauthenticated') return true;
        sent += bytes;
        unauthenticatedBytes += bytes;
        return sent <= modestBytes || unauthenticatedBytes <= maxUnauthenticatedBytes;
      },
      authenticated() {
        leaveUnauthenticated();
        if (state === 'unauthenticated') state = 'authenticated';
      },
      release() {
        if (state === 'released') return;
        leaveUnauthenticated();
        state = 'released';
        callers -= 1;
      },
    };
  }

  return {
    admit,
    get callers() {
      return callers;
    },
  };
}
