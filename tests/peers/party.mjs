// What our scripts around clients of other people's share: how a test tells one what to do, and hears how it went.
//
// A script prints a line of JSON at each step. A failure prints {"error", "code", "message", "wire_error"} and ends with status 1.
import { createInterface } from 'node:readline';
import './localhost.mjs';

export const env = process.env;
export const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
export const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function cameBackTo() { // the URL that the browser was sent to
  return (await lines.next()).value.trim();
}

export async function running(job) {
  try {
    await job();
  } catch (error) {
    const wireError = error.error ?? error.errorResponse?.error ?? error.cause?.[0]?.parameters?.error; // the last from a WWW-Authenticate header
    const message = error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;
    print({ error: error.name, code: error.code, message, wire_error: wireError });
    process.exitCode = 1;
  }
  process.stdin.destroy();
}
