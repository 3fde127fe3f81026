// Browsers resolve *.localhost to the loopback address by themselves; Node asks the system's resolver, which may not know it.
import dns from 'node:dns';

const resolve = dns.lookup;

dns.lookup = function lookup(hostname, options, callback) {
  if (typeof options === 'function') return lookup(hostname, {}, options);
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) return resolve(hostname, options, callback);
  const answer = { address: '127.0.0.1', family: 4 };
  if (options.all) return process.nextTick(callback, null, [answer]);
  return process.nextTick(callback, null, answer.address, answer.family);
};
