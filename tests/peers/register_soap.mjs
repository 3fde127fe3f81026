// A population register made of npm soap and population_register.wsdl: somebody else's reading and writing of SOAP.
//
// Environment:
//   WSDL              the path of population_register.wsdl
//   CLIENT, PROVIDER  X-Road names, instance/class/member/subsystem; any other is refused with X-Road's fault
//   USER, API_KEY, SIGNATURE_SECRET   NDXP's account
//   PEOPLE            JSON list: {number, former, name: [family, middle, given], born: "yyyyMMdd" or "yyyy", died, was}
//   CHANGES           JSON list: {kind, number, new, at}
//   EXIT_WITH_STDIN   "yes" ends the process when its standard input closes, so a dead test leaves nothing behind
//
// When it listens it prints one line: {"port": 1234}. The name "Lỗi" makes it answer with a fault of its own.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import soap from 'soap';

const env = process.env;
if (env.EXIT_WITH_STDIN === 'yes') process.stdin.on('end', () => process.exit(0)).resume();

const PATH = '/dan-cu';
const XROAD = 'http://x-road.eu/xsd/xroad.xsd';
const IDENTIFIERS = 'http://x-road.eu/xsd/identifiers';
const people = JSON.parse(env.PEOPLE);
const changes = JSON.parse(env.CHANGES ?? '[]');

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[Đđ]/g, 'D').toUpperCase();
const fault = (code, text) => ({ Fault: { faultcode: code, faultstring: text, statusCode: 500 } });

function path(identifier) {
  const { xRoadInstance, memberClass, memberCode, subsystemCode, serviceCode } = identifier ?? {};
  return [xRoadInstance, memberClass, memberCode, subsystemCode, serviceCode].filter(Boolean).join('/');
}

/** X-Road's own headers, checked before the register sees anything. */
function letIn(operation, headers) {
  if (!headers?.id || headers.protocolVersion !== '4.0' || !headers.userId) throw fault('Client.MissingHeader', 'headers');
  if (/\d{9}/.test(headers.userId)) throw fault('Client.BadRequest', 'the user id looks like a number of somebody');
  if (path(headers.client) !== env.CLIENT) throw fault('Server.ServerProxy.AccessDenied', 'unknown client');
  if (path(headers.service) !== `${env.PROVIDER}/${operation}`) throw fault('Server.ServerProxy.UnknownService', 'unknown');
}

function find({ SoDinhDanh, SoCMND }) {
  return people.find((one) => (SoDinhDanh ? [one.number, one.was].includes(SoDinhDanh) : one.former === SoCMND));
}

function born(date) {
  return date.length === 4 ? { Nam: date } : { NgayThangNam: date };
}

function details(one) {
  const [Ho, ChuDem, Ten] = one.name;
  return { SoDinhDanh: one.number, HoVaTen: { Ho, ChuDem, Ten }, NgayThangNamSinh: born(one.born) };
}

function verify(asked) {
  const one = find(asked);
  const number = asked.SoDinhDanh ? { SoDinhDanh: asked.SoDinhDanh } : { SoCMND: asked.SoCMND };
  if (asked.HoVaTen === 'Lỗi') throw fault('soap:Server', 'the database is resting');
  if (!one) return { KetQuaXacThuc: { ...number, TonTai: false } };
  const name = one.name.filter(Boolean).join(' ');
  const date = asked.NgayThangNamSinh.NgayThangNam ?? asked.NgayThangNamSinh.Nam;
  const result = { ...number, TonTai: true, TrungKhop: plain(name) === plain(asked.HoVaTen) && date === one.born, ConSong: !one.died };
  if (result.TrungKhop) {
    const exact = name === asked.HoVaTen && one.number === asked.SoDinhDanh;
    if (!exact) result.DinhChinh = details(one);
    result.SoKhac = { ...(one.was && { SoDinhDanh: [one.was] }), ...(one.former && { SoCMND: [one.former] }) };
  }
  return { KetQuaXacThuc: result };
}

function lookUp(asked) {
  const one = find(asked);
  const { SoDinhDanh, ...rest } = one ? details(one) : {};
  return { CongdanCollection: one ? { CongDan: [{ SoDinhDanh, SoCMND: one.former, ...rest }] } : {} };
}

function feed({ ViTri, SoLuong }) {
  const after = Number(ViTri);
  const page = changes.slice(after, after + Number(SoLuong));
  const BienDong = page.map((one, index) => ({
    SoThuTu: String(after + index + 1), Loai: one.kind, SoDinhDanh: one.number, SoDinhDanhMoi: one.new, ThoiDiem: one.at,
  }));
  const end = after + page.length;
  return { DanhSachBienDong: { ViTriTruoc: ViTri, ViTriSau: String(end), ConNua: end < changes.length, BienDong } };
}

const guarded = (operation, answer) => (asked, _callback, headers) => {
  letIn(operation, headers);
  if (asked.MaYeuCau !== headers.id || !asked.MaCanBo || asked.MaTichHop !== '037') throw fault('soap:Client', 'the envelope');
  return answer(asked);
};
const service = { DanCu: { DanCuPort: {
  XacThucThongTinCongDan: guarded('XacThucThongTinCongDan', verify),
  TraCuuThongTinCongDan: guarded('TraCuuThongTinCongDan', lookUp),
  TraCuuBienDong: guarded('TraCuuBienDong', feed),
} } };

/** The headers of the request again, with other prefixes than it had. */
function echo(_method, _args, headers) {
  const identifier = (name, { attributes: _, ...parts }) => {
    const inside = Object.entries(parts).map(([part, text]) => `<i:${part}>${escape(text)}</i:${part}>`).join('');
    return `<x:${name} xmlns:x="${XROAD}" xmlns:i="${IDENTIFIERS}" i:objectType="${name === 'client' ? 'SUBSYSTEM' : 'SERVICE'}">${inside}</x:${name}>`;
  };
  return Object.entries(headers ?? {}).map(([name, value]) => (
    typeof value === 'object' ? identifier(name, value) : `<x:${name} xmlns:x="${XROAD}">${escape(value)}</x:${name}>`
  )).join('');
}

function isSigned(req) {
  const { timestamp = '', apikey, authorization } = req.headers;
  const endpoint = `http://${req.headers.host}${PATH}`;
  const digest = createHash('sha256').update(`${endpoint}${env.USER}${timestamp}${env.SIGNATURE_SECRET}`).digest('hex');
  const fresh = /^\d{13}$/.test(timestamp) && Math.abs(Date.now() - Number(timestamp)) < 300_000;
  const proof = `Basic ${Buffer.from(`${env.USER}:${digest}`).toString('base64')}`;
  return fresh && apikey === env.API_KEY && authorization === proof && req.headers['x-road-client'] === env.CLIENT;
}

function ready(error) {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
}

const server = createServer((_, res) => { res.statusCode = 404; res.end(); });
server.listen(0, '127.0.0.1', () => {
  const xml = readFileSync(env.WSDL, 'utf8');
  const listening = soap.listen(server, { path: PATH, services: service, xml, suppressStack: true, callback: ready });
  listening.addSoapHeader(echo);
  listening.authorizeConnection = (req, res) => {
    if (isSigned(req)) return true;
    res.statusCode = 401;
    return false;
  };
});
