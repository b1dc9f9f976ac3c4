// Neon-Request-Id: a UUID per request. To draw one costs as much as it does to authenticate the caller, so one is drawn for
// many requests, which differ in its last four digits.

const pairs = Array.from({ length: 256 }, (_, byte) => (byte + 256).toString(16).slice(1));
const idsPerDraw = 65_536;
const stemLength = 32;

export function createRequestIds(): () => string {
  let stem = '';
  let given = idsPerDraw;
  return () => {
    if (given === idsPerDraw) {
      stem = crypto.randomUUID().slice(0, stemLength);
      given = 0;
    }
    const number = given++;
    return stem + pairs[number >> 8]! + pairs[number & 0xff]!;
  };
}
