import { connectScenarios } from './connect.ts';
import { driverRowsScenarios } from './driver-rows.ts';
import { idleScenarios } from './idle.ts';
import { largeResultScenarios } from './large-result.ts';
import { resetScenarios } from './reset.ts';
import type { Scenario } from './scenario.ts';
import { slowReaderScenarios } from './slow-reader.ts';
import { sqlScenarios } from './sql.ts';
import { tcpScenarios } from './tcp.ts';
import { webSocketScenarios } from './websocket.ts';
import { writeScenarios } from './writes.ts';

/** All scenarios, in the order they are run. */
export const scenarios: readonly Scenario[] = [
  ...tcpScenarios,
  ...webSocketScenarios,
  ...sqlScenarios,
  ...writeScenarios,
  ...connectScenarios,
  ...resetScenarios,
  ...slowReaderScenarios,
  ...largeResultScenarios,
  ...driverRowsScenarios,
  ...idleScenarios,
];
