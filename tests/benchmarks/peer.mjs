// npm's oidc-provider as the other side of the benchmark: the same paths, the same algorithms, in WORKERS processes.
//
// Environment: PORT, STORE ("memory", or the path of a Valkey server's unix socket), CLIENTS (JSON list of metadata),
// WORKERS (more than one: a cluster of Node's own).
// Prints {"issuer": "...", "versions": {...}} when all listen; ends when its standard input closes.
// A person without a session is signed in at once as the account that `login_hint` names, and the grant is made and kept,
// so that a session made this way answers later requests as one of ours does. Nothing is remembered anywhere else.
import cluster from 'node:cluster';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

console.warn = console.info = () => {};
const { default: Provider } = await import('oidc-provider');
const { default: Redis } = await import('ioredis');

const { PORT, STORE, CLIENTS } = process.env;
const WORKERS = Number(process.env.WORKERS);
const ISSUER = `http://peer.localhost:${PORT}`;
const version = (name) => JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version;

function listening() {
  const versions = { node: process.version, 'oidc-provider': version('oidc-provider'), ioredis: version('ioredis') };
  process.stdout.write(`${JSON.stringify({ issuer: ISSUER, versions })}\n`);
}

/** What all processes of a cluster must share: the key that signs, and the one that signs cookies. */
function secrets() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: randomUUID() };
  return { key, cookies: randomUUID() };
}

if (WORKERS > 1 && cluster.isPrimary) {
  const SECRETS = JSON.stringify(secrets());
  let ready = 0;
  cluster.on('listening', () => { ready += 1; if (ready === WORKERS) listening(); });
  cluster.on('exit', () => process.exit(1));
  for (let number = 0; number < WORKERS; number += 1) cluster.fork({ SECRETS });
  process.stdin.on('end', () => process.exit(0)).resume();
  await new Promise(() => {});
}
if (cluster.isPrimary) process.stdin.on('end', () => process.exit(0)).resume();
else process.on('disconnect', () => process.exit(0));

// The library's own adapter in memory forgets what does not fit into a thousand entries; this one forgets nothing but the expired.
class InMemory {
  static kept = new Map();

  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  read(key) {
    const found = InMemory.kept.get(key);
    return found && (!found.until || found.until > Date.now()) ? found.value : undefined;
  }

  write(key, value, seconds) { InMemory.kept.set(key, { value, until: seconds && Date.now() + seconds * 1000 }); }

  async upsert(id, payload, seconds) {
    this.write(this.key(id), payload, seconds);
    if (payload.uid) this.write(`uid:${payload.uid}`, id, seconds);
    if (payload.grantId) {
      const list = `grant:${payload.grantId}`;
      this.write(list, [...(this.read(list) ?? []), this.key(id)], seconds);
    }
  }

  async find(id) { return this.read(this.key(id)); }

  async findByUid(uid) { return this.find(this.read(`uid:${uid}`)); }

  async findByUserCode() { return undefined; }

  async consume(id) { this.read(this.key(id)).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { InMemory.kept.delete(this.key(id)); }

  async revokeByGrantId(grantId) {
    for (const key of this.read(`grant:${grantId}`) ?? []) InMemory.kept.delete(key);
  }
}

const server = STORE === 'memory' ? undefined : new Redis({ path: STORE, keyPrefix: 'peer:' });

/** Values as JSON with an expiry; that a code was consumed stands beside it, read in the same round trip. */
class InValkey {
  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload, seconds) {
    const key = this.key(id);
    const expiry = seconds ? ['EX', seconds] : [];
    const trip = server.pipeline().set(key, JSON.stringify(payload), ...expiry);
    if (payload.uid) trip.set(`uid:${payload.uid}`, id, ...expiry);
    if (payload.grantId) trip.rpush(`grant:${payload.grantId}`, key).expire(`grant:${payload.grantId}`, seconds ?? 86400);
    await trip.exec();
  }

  async find(id) {
    const [text, consumed] = this.model === 'AuthorizationCode'
      ? await server.mget(this.key(id), `consumed:${id}`) : [await server.get(this.key(id))];
    return text ? { ...JSON.parse(text), ...(consumed && { consumed: Number(consumed) }) } : undefined;
  }

  async findByUid(uid) {
    const id = await server.get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async findByUserCode() { return undefined; }

  async consume(id) { await server.set(`consumed:${id}`, Math.floor(Date.now() / 1000), 'EX', 600); }

  async destroy(id) { await server.del(this.key(id)); }

  async revokeByGrantId(grantId) {
    const keys = await server.lrange(`grant:${grantId}`, 0, -1);
    if (keys.length) await server.del(...keys);
  }
}

const shared = process.env.SECRETS ? JSON.parse(process.env.SECRETS) : secrets();
const person = (id) => ({
  sub: id, name: 'Nguyễn Thị Mai Anh', family_name: 'Nguyễn', middle_name: 'Thị Mai', given_name: 'Anh',
  birthdate: '1992-08-05', updated_at: 1790000000,
});

const common = { id_token_signed_response_alg: 'ES256', require_auth_time: true, subject_type: 'pairwise' };
const provider = new Provider(ISSUER, {
  adapter: server ? InValkey : InMemory,
  clients: JSON.parse(CLIENTS).map((client) => ({ ...client, ...common })),
  jwks: { keys: [shared.key] },
  cookies: { keys: [shared.cookies] },
  subjectTypes: ['pairwise'],
  pairwiseIdentifier: (_, account, { clientId }) => createHash('sha256').update(`${clientId} ${account}`).digest('base64url'),
  claims: {
    openid: ['sub'], acr: null, amr: null, auth_time: null, sid: null,
    profile: ['name', 'family_name', 'given_name', 'middle_name', 'birthdate', 'updated_at'],
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => person(id) }),
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  pkce: { required: () => true },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 28800, IdToken: 300, Interaction: 600,
    RefreshToken: 28800, Session: 28800,
  },
  features: {
    clientCredentials: { enabled: true }, devInteractions: { enabled: false }, introspection: { enabled: true },
  },
});

async function signIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: params.login_hint, clientId: params.client_id });
  grant.addOIDCScope('openid profile');
  const consent = { grantId: await grant.save() };
  const login = { accountId: params.login_hint, acr: 'LoA3', amr: ['pwd', 'otp'], remember: true };
  return provider.interactionFinished(request, response, { login, consent }, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
createServer((request, response) => (request.url.startsWith('/interaction/') ? signIn(request, response) : answer(request, response)))
  .listen(Number(PORT), '127.0.0.1', () => { if (cluster.isPrimary) listening(); });
