// Requests two readers of HTTP might understand differently. Each is followed by a plain one with the body `last` that
// closes the connection: whoever takes part of it for something else shows it by what it answers, or by waiting.

const host = 'Host: h';
const secret = 'Neon-Connection-String: postgres://u:p@h/d';

/** A request with these header lines besides the usual ones. */
export function post(body: string, ...lines: string[]): string {
  return request('POST /sql HTTP/1.1', [host, secret, `Content-Length: ${Buffer.byteLength(body)}`, ...lines], body);
}

export const last: string = post('last', 'Connection: close');

function request(line: string, lines: readonly string[], body: string, lineEnd = '\r\n'): string {
  return `${[line, ...lines, '', ''].join(lineEnd)}${body}`;
}

const withLength = (length: string): string =>
  request('POST /sql HTTP/1.1', [host, `Content-Length:${length}`], 'hello');
const withLine = (line: string): string => request('POST /sql HTTP/1.1', [line, host, 'Content-Length: 5'], 'hello');
const withStart = (line: string): string => request(line, [host, 'Content-Length: 5'], 'hello');
const chunked = '5\r\nhello\r\n0\r\n\r\n';
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n';

/** What node:http need not see. */
export const plainRequests: Readonly<Record<string, string>> = {
  plain: post('hello'),
  'no body': post(''),
  'names in any case': request('POST /sql HTTP/1.1', ['hOsT: h', 'CONTENT-length:5'], 'hello'),
  'blanks around values': request('POST /sql HTTP/1.1', ['Host:\t h \t', 'Content-Length:  5 ', 'X:'], 'hello'),
  'keep-alive': post('hello', 'Connection: Keep-Alive', 'Keep-Alive: timeout=5'),
  'two, in one go': post('hello') + post('and more'),
  'lengths that grow': post('12345678') + post('1234567890') + post('1') + post('1'.repeat(2000)),
  'long heads, again and again': post('a', `X: ${'x'.repeat(3_000)}`).repeat(3) + post('b'),
  'too long for the handler': post('x'.repeat(4001)),
  'as long as it may be': post('x'.repeat(65_536)),
  'a request as body': post(`${smuggled}POST /sql HTTP/1.1\r\n\r\n`),
};

export const oddRequests: Readonly<Record<string, string>> = {
  'CL.TE': request(
    'POST /sql HTTP/1.1',
    [host, 'Content-Length: 6', 'Transfer-Encoding: chunked'],
    `0\r\n\r\n${smuggled}`,
  ),
  'TE.CL': request('POST /sql HTTP/1.1', [host, 'Transfer-Encoding: chunked', 'Content-Length: 3'], `${chunked}`),
  chunked: request('POST /sql HTTP/1.1', [host, 'Transfer-Encoding: chunked'], chunked),
  'chunked by a strange name': request('POST /sql HTTP/1.1', [host, 'Transfer-Encoding: xchunked'], chunked),
  'chunked with a length': post('hello', 'Transfer-Encoding: identity'),
  'chunked, space before the colon': post('hello', 'Transfer-Encoding : chunked'),
  'chunked, folded': post('hello', 'Transfer-Encoding:', ' chunked'),
  'chunked, tab in front': post('hello', 'Transfer-Encoding:\x0bchunked'),
  'chunked behind a CR': post('hello', 'X: y\rTransfer-Encoding: chunked'),
  'chunked behind a LF': post('hello', 'X: y\nTransfer-Encoding: chunked'),
  'chunked behind a NUL': post('hello', 'X: y\0\r\nTransfer-Encoding: chunked'),
  ...Object.fromEntries(
    [
      ' +5',
      ' -5',
      ' 0x5',
      ' 5,5',
      ' 5 5',
      ' 05',
      ' 5;',
      ' 5.0',
      ' 1e1',
      '',
      ' ',
      ' five',
      ' 99999999999999999999',
      ' ５',
    ].map((length) => [`Content-Length${length}`, withLength(length)]),
  ),
  'lengths that differ': post('hello', 'Content-Length: 6'),
  'the same length twice': post('hello', 'Content-Length: 5'),
  'a length that is folded': withLine('X: y\r\n Content-Length: 3'),
  'two hosts': post('hello', 'Host: other'),
  'no host': request('POST /sql HTTP/1.1', ['Content-Length: 5'], 'hello'),
  'no length': request('POST /sql HTTP/1.1', [host], ''),
  'a name twice': post('hello', 'X-A: 1', 'x-a: 2'),
  'space before the colon': withLine('X : y'),
  'length with a space before the colon': request('POST /sql HTTP/1.1', [host, 'Content-Length : 5'], 'hello'),
  'no colon': withLine('X'),
  'no name': withLine(': y'),
  'a space first': withLine(' X: y'),
  'a folded line': withLine('X: y\r\n z'),
  'only LFs': request('POST /sql HTTP/1.1', [host, 'Content-Length: 5'], 'hello', '\n'),
  'one LF': 'POST /sql HTTP/1.1\r\nHost: h\nContent-Length: 5\r\n\r\nhello',
  'LF at the end': 'POST /sql HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\nhello',
  'only CRs': request('POST /sql HTTP/1.1', [host, 'Content-Length: 5'], 'hello', '\r'),
  'a lone CR': withLine('X: a\rb'),
  'a CR before the LF': withLine('X: a\r'),
  'NUL in a value': withLine('X: a\0b'),
  'NUL in a name': withLine('X\0: b'),
  'a control character': withLine('X: \x01'),
  'DEL in a value': withLine('X: \x7f'),
  'bytes above ASCII': withLine('X: caf\xe9'),
  'bytes above ASCII in a name': withLine('caf\xe9: y'),
  'a parenthesis in a name': withLine('X(: y'),
  expect: post('hello', 'Expect: 100-continue'),
  'expect something else': post('hello', 'Expect: else'),
  upgrade: post('hello', 'Connection: Upgrade', 'Upgrade: websocket'),
  h2c: post('hello', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAA'),
  'a list of connection options': post('hello', 'Connection: keep-alive, x'),
  'close among others': post('hello', 'Connection: x, close'),
  'a trailer announced': post('hello', 'Trailer: X'),
  'a stream wanted': post('hello', 'Postern-Stream: true'),
  'HTTP/1.0': withStart('POST /sql HTTP/1.0'),
  'HTTP/1.2': withStart('POST /sql HTTP/1.2'),
  'HTTP/0.9': 'POST /sql\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'http in small': withStart('POST /sql http/1.1'),
  'a method in small': withStart('post /sql HTTP/1.1'),
  'another method': withStart('PUT /sql HTTP/1.1'),
  'a question': withStart('POST /sql?a=b HTTP/1.1'),
  'the whole URL': withStart('POST http://h/sql HTTP/1.1'),
  'another path': withStart('POST /sqlx HTTP/1.1'),
  'two spaces': withStart('POST  /sql HTTP/1.1'),
  'a tab': withStart('POST\t/sql HTTP/1.1'),
  'a space at the end': withStart('POST /sql HTTP/1.1 '),
  'an empty line first': `\r\n${withStart('POST /sql HTTP/1.1')}`,
  'a LF first': `\n${withStart('POST /sql HTTP/1.1')}`,
  get: request('GET /health HTTP/1.1', [host], ''),
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'a long head': post('hello', `X: ${'x'.repeat(9_000)}`),
  'a head too long': post('hello', `X: ${'x'.repeat(20_000)}`),
  'many headers': post('hello', ...Array.from({ length: 100 }, (_, index) => `X${index}: y`)),
  'a body longer than said': 'POST /sql HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nhello',
  'a body shorter than said': 'POST /sql HTTP/1.1\r\nHost: h\r\nContent-Length: 999\r\n\r\nhello',
  'longer than is plain': post('x'.repeat(65_537)),
  'plain, then not, then plain': post('hello') + request('GET /health HTTP/1.1', [host], '') + post('more'),
  'plain, then rubbish': `${post('hello')}rubbish\r\n\r\n`,
  'plain, then chunked': `${post('hello')}${request('POST /sql HTTP/1.1', [host, 'Transfer-Encoding: chunked'], chunked)}`,
  'plain, then its like with another name': `${post('hello')}${post('hello').replace('Content-Length', 'Content_Length')}`,
};
