// A small SAML 2.0 identity provider made of npm samlp: an independent party to test the tax connector against.
//
// Environment (JSON where it says so; everything has a default but KEY, CERT, ACCOUNTS and CALLBACK_URL):
//   PORT              port on 127.0.0.1; 0 (default) takes a free one
//   KEY, CERT         PEM; what it signs with
//   ACCOUNTS          JSON object: account id -> {attribute: value}; the id is the NameID
//   CALLBACK_URL      where responses are posted
//   CLIENT_CERT       PEM of the service provider: its requests must be signed by it, and are not looked at else
//   ENCRYPT           "yes" encrypts assertions for CLIENT_CERT
//   SIGN              "assertion" (default), "response" or "both"
//   CONTEXT           AuthnContextClassRef of every sign-in
//   EXIT_WITH_STDIN   "yes" ends the process when its standard input closes
//
// When it listens it prints one line: {"issuer": "...", "port": 1234}; metadata are at {issuer}/metadata.
// Sign-in page: a form with `account` and `decision` (`sign-in` or `cancel`). There is no password.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import './localhost.mjs';

const samlp = createRequire(import.meta.url)('samlp');
const env = process.env;
const ACCOUNTS = JSON.parse(env.ACCOUNTS);
const SIGN = env.SIGN ?? 'assertion';

if (env.EXIT_WITH_STDIN === 'yes') process.stdin.on('end', () => process.exit(0)).resume();

const server = createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject).listen(Number(env.PORT ?? 0), '127.0.0.1', resolve);
});
const { port } = server.address();
const ISSUER = `http://saml-peer.localhost:${port}`;

function mapper(account) {
  return {
    getClaims: () => ACCOUNTS[account],
    getNameIdentifier: () => ({
      nameIdentifier: account,
      nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    }),
  };
}
mapper.prototype.metadata = [];

const options = {
  issuer: ISSUER,
  cert: env.CERT,
  key: env.KEY,
  signatureAlgorithm: 'rsa-sha256',
  digestAlgorithm: 'sha256',
  signAssertion: SIGN !== 'response',
  signResponse: SIGN !== 'assertion',
  lifetimeInSeconds: 300,
  recipient: env.CALLBACK_URL,
  destination: env.CALLBACK_URL,
  authnContextClassRef: env.CONTEXT ?? 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  sessionIndex: '_a-session',
  profileMapper: mapper,
  getPostURL: (...found) => found.at(-1)(null, env.CALLBACK_URL),
  ...(env.CLIENT_CERT ? { signingCert: env.CLIENT_CERT } : {}),
  ...(env.ENCRYPT === 'yes' ? {
    encryptionCert: env.CLIENT_CERT,
    encryptionPublicKey: env.CLIENT_CERT,
    encryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
    keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  } : {}),
};

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

async function posted(req) {
  let body = '';
  for await (const chunk of req) body += chunk;
  return Object.fromEntries(new URLSearchParams(body));
}

/** The request and the response as samlp, which was written for Express, wants them. */
function dressed(req, res, query, body) {
  Object.assign(req, { query, body, protocol: 'http', originalUrl: req.url });
  res.set = (name, value) => res.setHeader(name, value);
  res.send = (answer) => {
    res.statusCode = typeof answer === 'number' ? answer : 200;
    res.end(typeof answer === 'number' ? '' : answer);
  };
}

function form(method, raw) {
  const known = Object.keys(ACCOUNTS).map((id) => `<option value="${escape(id)}">${escape(id)}</option>`).join('');
  return `<!DOCTYPE html><html lang="en"><title>Sign in</title><form method="post" action="/decide">
<input type="hidden" name="method" value="${method}"><input type="hidden" name="asked" value="${escape(raw)}">
<label>Account <select name="account">${known}</select></label>
<button name="decision" value="sign-in">Sign in</button> <button name="decision" value="cancel">Cancel</button></form></html>`;
}

function decide(req, res, { method, asked, account, decision }) {
  const values = Object.fromEntries(new URLSearchParams(asked));
  dressed(req, res, method === 'GET' ? values : {}, method === 'GET' ? {} : values);
  req.method = method;
  const failed = (error) => { res.statusCode = 400; res.end(`refused: ${escape(error.message ?? error)}`); };
  if (decision !== 'cancel') return samlp.auth({ ...options, getUserFromRequest: () => account })(req, res, failed);
  return samlp.parseRequest(req, options, (error, data) => {
    if (error) return failed(error);
    const status = { code: 'urn:oasis:names:tc:SAML:2.0:status:Responder', description: 'the person said no' };
    const told = { ...options, RelayState: values.RelayState, inResponseTo: data.id, error: status };
    return samlp.sendError({ ...told, getPostURL: (_, callback) => callback(null, env.CALLBACK_URL) })(req, res, failed);
  });
}

async function answer(req, res) {
  const { pathname, search } = new URL(req.url, ISSUER);
  dressed(req, res, {}, {});
  if (pathname === '/metadata') {
    const paths = { redirectEndpointPath: '/sso', postEndpointPath: '/sso', logoutEndpointPaths: { redirect: '/slo' } };
    return samlp.metadata({ ...options, ...paths })(req, res);
  }
  if (pathname === '/decide') return decide(req, res, await posted(req));
  if (pathname !== '/sso') return res.send(404);
  res.set('content-type', 'text/html; charset=utf-8');
  const raw = req.method === 'GET' ? search.slice(1) : new URLSearchParams(await posted(req)).toString();
  return res.send(form(req.method, raw));
}

server.on('request', (req, res) => {
  answer(req, res).catch((error) => { res.statusCode = 400; res.end(`refused: ${escape(error.message)}`); });
});
process.stdout.write(`${JSON.stringify({ issuer: ISSUER, port })}\n`);
