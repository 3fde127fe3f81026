// A security server with a business register behind it, by hand and with no package: what PR-REST asks of a client.
//
// Environment:
//   CLIENT, SERVICE   X-Road names: instance/class/member/subsystem, and with the service's code behind
//   MANDATES          JSON object: personal number -> list of entries as the register answers them
//   EXIT_WITH_STDIN   "yes" ends the process when its standard input closes, so a dead test leaves nothing behind
//
// When it listens it prints one line: {"port": 1234}.
//   GET  /seen        what was asked: [{method, url, headers: {..}}]
//   POST /told        {"error": "Server.ServerProxy.…"}  the next answer is X-Road's error
//                     {"status": 404}                    the next answer is the register's own, with this status
//                     {"reset": 1}                       the next so many connections are reset (TCP RST)
//                     {"hang": 1}                        the next so many requests are never answered
//                     {"headers": {..}}                  the next answer has these headers instead; null leaves one out
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const env = process.env;
if (env.EXIT_WITH_STDIN === 'yes') process.stdin.on('end', () => process.exit(0)).resume();

const PATH = `/r1/${env.SERVICE}/v1/representatives/search`;
const mandates = JSON.parse(env.MANDATES);
const ids = new Set();
const seen = [];
let told = {};

async function body(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return JSON.parse(text);
}

function send(res, status, payload, headers = {}) {
  const all = { 'Content-Type': 'application/json;charset=utf-8', ...headers };
  for (const [name, value] of Object.entries(all)) if (value !== null) res.setHeader(name, value);
  res.statusCode = status;
  res.end(JSON.stringify(payload));
}

function onTheWay(res, code) {
  send(res, 500, { type: code, message: 'no way there', detail: randomUUID() }, { 'X-Road-Error': code });
}

function search(req, res, asked) {
  const { 'x-road-client': client, 'x-road-id': id = '', 'x-road-userid': user = '', accept } = req.headers;
  if (told.error) return onTheWay(res, told.error);
  if (client !== env.CLIENT) return onTheWay(res, 'Server.ServerProxy.AccessDenied');
  // An id comes once, but for a request that was tried again because its connection broke.
  if (id.length < 16 || ids.has(id) || !accept || /\d{12}/.test(user) || !user) return onTheWay(res, 'Client.BadRequest');
  ids.add(id);
  const back = {
    'X-Road-Id': id, 'X-Road-Client': client, 'X-Road-Service': env.SERVICE, 'X-Road-Request-Id': randomUUID(),
    'X-Road-Request-Hash': 'c2hhLTUxMg==', ...told.headers,
  };
  if (told.status) return send(res, told.status, { error: { code: 'E17' } }, back);
  const { personalNumber, page, limit } = asked;
  const all = mandates[personalNumber] ?? [];
  const representatives = all.slice((page - 1) * limit, page * limit);
  return send(res, 200, { representatives, total: all.length, personalNumber, page, asOf: new Date().toISOString() }, back);
}

const server = createServer(async (req, res) => {
  if (req.url === '/seen') return send(res, 200, seen);
  if (req.url === '/told') {
    told = await body(req);
    return send(res, 200, {});
  }
  seen.push({ method: req.method, url: req.url, headers: req.headers });
  if (told.reset > 0) {
    told.reset -= 1;
    return req.socket.resetAndDestroy();
  }
  if (told.hang > 0) {
    told.hang -= 1;
    return undefined;
  }
  if (req.method !== 'POST' || req.url !== PATH) return onTheWay(res, 'Server.ClientProxy.UnknownMember');
  const result = search(req, res, await body(req));
  told = {};
  return result;
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));
