// A small OpenID Provider made of npm oidc-provider: an independent party to test portals and connectors against.
//
// Environment (JSON where it says so; everything has a default but CLIENTS and ACCOUNTS):
//   PORT            port on 127.0.0.1; 0 (default) takes a free one
//   ISSUER          default http://peer.localhost:{port}; "{port}" is replaced by the port taken
//   CLIENTS         JSON list of client metadata as RFC 7591 names it; "{port}" as above
//   ACCOUNTS        JSON object: account id -> {claims}; `max_acr` is no claim but the best level this account can prove
//   AUTO_LOGIN      account id that is signed in without a form; a `login_hint` naming an account wins over it
//   ACR_VALUES      JSON list of levels, weakest first; default LoA1..LoA4
//   CLAIMS          JSON object: scope -> list of claim names, added to the standard ones
//   ID_TOKEN_CLAIMS "all" puts the scopes' claims into the id_token too (default: userinfo only)
//   SUBJECT_TYPES   JSON list; default ["public", "pairwise"]
//   JWKS            JSON private key set; default: a fresh RS256 and a fresh ES256 key
//   REQUIRE_PKCE    "no" makes PKCE optional
//   REQUIRE_PAR     "yes" refuses requests that were not pushed (RFC 9126)
//   TOKEN_SECONDS   lifetime of the id_token; default 600
//   EXIT_WITH_STDIN "yes" ends the process when its standard input closes, so a dead test leaves nothing behind
//
// When it listens it prints one line: {"issuer": "...", "port": 1234}.
// Sign-in page: GET /interaction/<uid>, a form posted to the same address with `account`, `acr` and `decision`
// (`sign-in` or `cancel`). There is no password. Sign-out asks for a click: a form with the button `logout=yes`.
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import './localhost.mjs';

// The library warns about development use on standard error; here that is what it is for.
console.warn = console.info = () => {};
const { default: Provider } = await import('oidc-provider');

const env = process.env;
const json = (name, fallback) => (env[name] ? JSON.parse(env[name]) : fallback);
const LEVELS = json('ACR_VALUES', ['LoA1', 'LoA2', 'LoA3', 'LoA4']);
const ACCOUNTS = json('ACCOUNTS', {});

if (env.EXIT_WITH_STDIN === 'yes') process.stdin.on('end', () => process.exit(0)).resume();

const server = createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject).listen(Number(env.PORT ?? 0), '127.0.0.1', resolve);
});
const { port } = server.address();
const withPort = (text) => text.replaceAll('{port}', String(port));
const ISSUER = withPort(env.ISSUER ?? 'http://peer.localhost:{port}');

function signingKey(alg) {
  const { privateKey } = alg === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${randomUUID()}` };
}

function claimsOf(id) {
  const { max_acr: _, ...claims } = ACCOUNTS[id];
  return { ...claims, sub: id };
}

async function grantEverythingAsked(ctx) {
  // Consent is not what these tests are about.
  const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
  grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(' '));
  grant.addOIDCClaims([...ctx.oidc.requestParamClaims]);
  await grant.save();
  return grant;
}

const page = (title, body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${title}</title><main><h1>${title}</h1>${body}</main></html>`;

const CLIENTS = JSON.parse(withPort(env.CLIENTS ?? '[]'));
const provider = new Provider(ISSUER, {
  clients: CLIENTS,
  jwks: json('JWKS', { keys: [signingKey('RS256'), signingKey('ES256')] }),
  cookies: { keys: [randomUUID()] },
  acrValues: LEVELS,
  subjectTypes: json('SUBJECT_TYPES', ['public', 'pairwise']),
  pairwiseIdentifier: (_, accountId, client) => (
    createHash('sha256').update(`${client.sectorIdentifier ?? client.clientId} ${accountId}`).digest('hex')
  ),
  conformIdTokenClaims: env.ID_TOKEN_CLAIMS !== 'all',
  claims: {
    openid: ['sub', 'source_kind'],
    profile: ['name', 'family_name', 'given_name', 'middle_name', 'birthdate', 'gender', 'locale', 'updated_at'],
    email: ['email', 'email_verified'],
    phone: ['phone_number', 'phone_number_verified'],
    address: ['address'],
    // Null: tied to no scope, can be asked for by the claims parameter.
    acr: null,
    amr: null,
    auth_time: null,
    sid: null,
    ...json('CLAIMS', {}),
  },
  findAccount: (_, id) => (ACCOUNTS[id] ? { accountId: id, claims: () => claimsOf(id) } : undefined),
  loadExistingGrant: grantEverythingAsked,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => env.REQUIRE_PKCE !== 'no' },
  ttl: {
    AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: Number(env.TOKEN_SECONDS ?? 600), Interaction: 600, Session: 3600,
  },
  features: {
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = page('Sign out?', `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>`);
      },
    },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: env.REQUIRE_PAR === 'yes' },
  },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = page('Error', `<pre>${escape(JSON.stringify(out))}</pre>`);
  },
  // The library guards outgoing requests against loopback addresses; the parties of a test live nowhere else.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
});

function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The level this account shows: the lowest that was asked for, or its best; undefined when a level is owed that it cannot reach. */
function levelFor(account, { params }) {
  const best = LEVELS.indexOf(ACCOUNTS[account].max_acr ?? LEVELS.at(-1));
  const owed = JSON.parse(params.claims ?? '{}').id_token?.acr ?? {};
  const wished = owed.values ?? (owed.value ? [owed.value] : (params.acr_values ?? '').split(' '));
  const reachable = LEVELS.filter((level, rank) => rank <= best);
  const level = reachable.find((candidate) => wished.includes(candidate));
  return level ?? (owed.essential ? undefined : reachable[0]);
}

function outcome(account, chosenLevel, details) {
  const level = chosenLevel || levelFor(account, details);
  if (!level) {
    return { error: 'unmet_authentication_requirements', error_description: 'this account cannot reach the level' };
  }
  return { login: { accountId: account, acr: level, amr: ['pwd'], remember: true }, consent: {} };
}

function form(details) {
  const option = (value) => `<option value="${escape(value)}">${escape(value)}</option>`;
  const known = Object.keys(ACCOUNTS).map(option).join('');
  return page('Sign in', `<form method="post"><p>Client <span id="client">${escape(details.params.client_id)}</span></p>
<label>Account <select name="account">${known}</select></label>
<label>Level <select name="acr"><option value="">as asked</option>${LEVELS.map(option).join('')}</select></label>
<button name="decision" value="sign-in">Sign in</button> <button name="decision" value="cancel">Cancel</button></form>`);
}

async function posted(req) {
  let body = '';
  for await (const chunk of req) body += chunk;
  return new URLSearchParams(body);
}

async function interaction(req, res) {
  const details = await provider.interactionDetails(req, res);
  const hint = details.params.login_hint;
  const automatic = ACCOUNTS[hint] ? hint : env.AUTO_LOGIN;
  let result;
  if (req.method === 'POST') {
    const fields = await posted(req);
    result = fields.get('decision') === 'cancel'
      ? { error: 'access_denied', error_description: 'the person said no' }
      : outcome(fields.get('account'), fields.get('acr'), details);
  } else if (automatic) {
    result = outcome(automatic, '', details);
  } else {
    res.setHeader('content-type', 'text/html; charset=utf-8');
    return res.end(form(details));
  }
  return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

// The library looks at a client when it is first used; a test wants to know of a wrong one at once.
for (const { client_id: id } of CLIENTS) await provider.Client.find(id);

const protocol = provider.callback();
server.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) return protocol(req, res);
  return interaction(req, res).catch((error) => {
    res.statusCode = 400;
    res.end(page('Error', `<pre>${escape(error.message)}</pre>`));
  });
});
process.stdout.write(`${JSON.stringify({ issuer: ISSUER, port })}\n`);
