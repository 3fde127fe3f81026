// The social insurance gateway as its callers describe it, by hand and with no package: a second opinion on our client.
//
// Environment:
//   USERNAME, SECRET   whose token may be taken; the password on the wire is the MD5 of SECRET, in hex
//   PEOPLE             JSON list of records as the gateway answers them, each with `sdt` (telephone) or without
//   EXIT_WITH_STDIN    "yes" ends the process when its standard input closes
//
// When it listens it prints one line: {"port": 1234}. Beside the gateway's own paths:
//   GET  /seen         what was asked: [{path, query: [names], headers: [names], type, body: {..}, connection}]
//   POST /told         {"code": "060", "for": "KQNhanLichSuKCB"}  the next answer of that operation has this maKetQua
//                      {"answer": "<h1>..", "for": ..}            the next answer has this body, and HTTP says 200
//                      {"status": 504, "for": ..}                 the next answer has this status
//                      {"reset": 1, "for": ..}                    the next so many requests are reset (TCP RST)
//                      {"ended": 1}                               all tokens given so far have ended
//                      {"lifetime": 5}                            how many seconds the next tokens live, as `expires_in` says
// What it gives: expires_in as a string of seconds, gioiTinh by letters, more fields than anybody asked for.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const env = process.env;
if (env.EXIT_WITH_STDIN === 'yes') process.stdin.on('end', () => process.exit(0)).resume();

const people = JSON.parse(env.PEOPLE);
const md5 = createHash('md5').update(env.SECRET).digest('hex');
const tokens = new Map(); // access token -> id token
const transactions = new Map();
const seen = [];
let told = [];
let lifetime = 3600;
let connections = 0;

const find = (number) => people.find((one) => [one.maSoBHXH, one.soCCCD, one.maThe].includes(number));
const plain = (name) => name.normalize('NFD').replace(/\p{M}/gu, '').replace(/[Đđ]/g, 'D').toUpperCase();

function take({ username, password }) {
  if (username !== env.USERNAME || password !== md5) return { maKetQua: '401' };
  const access = randomBytes(24).toString('base64');
  tokens.set(access, randomBytes(24).toString('base64'));
  const APIKey = { access_token: access, id_token: tokens.get(access), token_type: 'Bearer', username, expires_in: String(lifetime) };
  return { maKetQua: '200', APIKey };
}

const record = ({ sdt, ...rest }) => ({ maKetQua: '000', ghiChu: null, ...rest, maDKBD: '01013', tenDKBDMoi: null });

const operations = {
  KQNhanLichSuKCB({ maThe, hoTen, ngaySinh, hoTenCb, cccdCb }) {
    if (!hoTenCb) return { maKetQua: '055' };
    if (!/^\d{12}$/.test(cccdCb ?? '')) return { maKetQua: '054' };
    const person = find(maThe);
    if (!person) return { maKetQua: '051', ghiChu: 'Mã thẻ không đúng' };
    if (plain(hoTen) !== plain(person.hoTen)) return { maKetQua: '060', ghiChu: `họ tên đúng: ${person.hoTen}` };
    if (ngaySinh !== person.ngaySinh) return { maKetQua: '070', ghiChu: `ngày sinh đúng: ${person.ngaySinh}` };
    return record(person);
  },
  TimNoiNhanMa({ maThe }) {
    const person = find(maThe);
    if (!person) return { maKetQua: '050' };
    if (!person.sdt) return { maKetQua: '920' };
    const maGiaoDich = randomBytes(12).toString('hex');
    transactions.set(maGiaoDich, { person, sent: false, used: false });
    const maSdt = createHash('sha256').update(person.sdt).digest('hex');
    return { maKetQua: '000', maGiaoDich, maSoBHXH: person.maSoBHXH, maSdt, sdtChe: `xxxxxxx${person.sdt.slice(-3)}` };
  },
  GuiMaXacThuc({ maGiaoDich }) {
    const one = transactions.get(maGiaoDich);
    if (!one) return { maKetQua: '921' };
    one.sent = true;
    return { maKetQua: '000' };
  },
  KiemTraMaXacThuc({ maGiaoDich, maXacThuc }) {
    const one = transactions.get(maGiaoDich);
    if (!one) return { maKetQua: '921' };
    if (one.used) return { maKetQua: '924' };
    if (!one.sent) return { maKetQua: '923' };
    if (maXacThuc !== one.person.ma) return { maKetQua: '922' };
    one.used = true;
    const { ma, ...rest } = record(one.person);
    return rest;
  },
};

function known(version, url, headers) {
  const given = (name) => url.searchParams.get(name);
  if (version === '2019') {
    const whose = given('username') === env.USERNAME && given('password') === md5;
    return whose && tokens.has(given('token')) && tokens.get(given('token')) === given('id_token');
  }
  const access = (headers.authorization ?? '').replace(/^Bearer /, '');
  return tokens.has(access) && tokens.get(access) === headers['x-id-token'];
}

function tell(order) {
  if (order.ended) tokens.clear();
  if (order.lifetime) lifetime = order.lifetime;
  if (order.for) told.push(order);
}

function order(operation) {
  const next = told.find((one) => one.for === operation);
  if (!next) return {};
  if (!next.reset || --next.reset === 0) told = told.filter((one) => one !== next);
  return next.reset === undefined ? next : { reset: true };
}

function respond(response, status, body) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': typeof body === 'string' ? 'text/html' : 'application/json;charset=UTF-8' });
  response.end(text);
}

function handle(request, response, body) {
  const url = new URL(request.url, 'http://gateway');
  if (url.pathname === '/seen') return respond(response, 200, seen);
  if (url.pathname === '/told') {
    tell(JSON.parse(body));
    return respond(response, 200, {});
  }
  const [, operation, version] = /^\/api\/egw\/([A-Za-z]+)(2019|2024)$/.exec(url.pathname) ?? [];
  const name = url.pathname === '/api/token/take' ? 'token' : operation;
  const type = (request.headers['content-type'] ?? '').split(';')[0];
  const values = type === 'application/json' ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  seen.push({
    path: url.pathname, query: [...url.searchParams.keys()], headers: Object.keys(request.headers), type, body: values,
    connection: request.socket.number,
  });
  const wanted = order(name);
  if (wanted.reset) return request.socket.resetAndDestroy();
  if (wanted.status) return respond(response, wanted.status, {});
  if (wanted.answer !== undefined) return respond(response, 200, wanted.answer);
  if (name === 'token') return respond(response, 200, take(values));
  if (!(name in operations)) return respond(response, 404, 'Not found');
  if (!known(version, url, request.headers)) {
    return version === '2019' ? respond(response, 200, { maKetQua: '501' }) : respond(response, 401, '');
  }
  if (type !== (version === '2019' ? 'application/x-www-form-urlencoded' : 'application/json')) {
    return respond(response, 200, { maKetQua: '205' });
  }
  return respond(response, 200, { ...operations[name](values), ...(wanted.code && { maKetQua: wanted.code }) });
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece)).on('end', () => handle(request, response, Buffer.concat(pieces).toString()));
});
server.on('connection', (socket) => { socket.number = ++connections; });
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
