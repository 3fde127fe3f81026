// What our scripts around npm openid-client share: whose client it is, how it proves itself, and over which connections it speaks.
//
// Environment, beside what the head of a script names:
//   ISSUER, CLIENT_ID     required
//   CLIENT_SECRET         with TOKEN_AUTH client_secret_basic (default) or client_secret_post
//   CLIENT_KEY            a private JWK (JSON, with alg and kid) for private_key_jwt, and for signed requests
//   TLS_CERTIFICATE, TLS_KEY, TLS_TRUSTED   files in PEM: it proves itself by this certificate (tls_client_auth)
//   TLS_AT                JSON object {origin in the metadata: origin where TLS is ended for it}
//                         neither secret, key nor certificate: a public client
//   ID_TOKEN_ALG          the algorithm registered for the id_token; default RS256
//   METADATA              JSON object of further metadata of the client
//   INITIAL_ACCESS_TOKEN  it registers METADATA by itself (RFC 7591), and CLIENT_ID is not used
//   DPOP                  "yes" binds every token to a key (RFC 9449)
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { env, headerOf } from './party.mjs';

export { cameBackTo, env, print, running } from './party.mjs';
export const client = await import('openid-client');

export function signingKey() {
  const jwk = JSON.parse(env.CLIENT_KEY);
  const algorithm = jwk.kty === 'EC'
    ? { name: 'ECDSA', namedCurve: jwk.crv }
    : { name: jwk.alg?.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const { use, key_ops: _, ...plain } = jwk; // WebCrypto refuses a key whose stated use it does not know
  return crypto.subtle.importKey('jwk', plain, algorithm, false, ['sign']).then((key) => ({ key, kid: jwk.kid }));
}

async function clientAuthentication() {
  if (env.CLIENT_KEY) return client.PrivateKeyJwt(await signingKey());
  if (env.TLS_CERTIFICATE) return client.TlsClientAuth();
  if (!env.CLIENT_SECRET) return client.None();
  return env.TOKEN_AUTH === 'client_secret_post'
    ? client.ClientSecretPost(env.CLIENT_SECRET)
    : client.ClientSecretBasic(env.CLIENT_SECRET);
}

// Node's own fetch cannot show a certificate.
function overTls(url, { method, headers, body }) {
  const [named, place] = Object.entries(JSON.parse(env.TLS_AT)).find(([origin]) => url.startsWith(origin)) ?? [];
  if (named === undefined) return fetch(url, { method, headers, body });
  const credentials = { cert: readFileSync(env.TLS_CERTIFICATE), key: readFileSync(env.TLS_KEY), ca: readFileSync(env.TLS_TRUSTED) };
  return new Promise((resolve, reject) => {
    const request = https.request(place + url.slice(named.length), { method, headers: Object.fromEntries(new Headers(headers)), ...credentials }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: Object.entries(answer.headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value])) })));
    });
    request.on('error', reject);
    request.end(body === undefined || body === null ? undefined : body.toString());
  });
}

export async function configured(...more) {
  const metadata = { id_token_signed_response_alg: env.ID_TOKEN_ALG ?? 'RS256', ...JSON.parse(env.METADATA ?? '{}') };
  // Plain http is for *.localhost in tests. Non-repudiation: check the id_token's signature although it came from the token endpoint.
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks, ...more] };
  if (env.TLS_AT) options[client.customFetch] = overTls;
  if (env.INITIAL_ACCESS_TOKEN) {
    const invited = { ...options, initialAccessToken: env.INITIAL_ACCESS_TOKEN };
    return client.dynamicClientRegistration(new URL(env.ISSUER), metadata, undefined, invited);
  }
  return client.discovery(new URL(env.ISSUER), env.CLIENT_ID, metadata, await clientAuthentication(), options);
}

export async function binding(config) {
  return env.DPOP === 'yes' ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) } : {};
}

export async function outcome(config, tokens, bound) {
  const claims = tokens.claims();
  return {
    id_token_claims: claims,
    id_token_header: headerOf(tokens.id_token),
    userinfo: await client.fetchUserInfo(config, tokens.access_token, claims.sub, bound),
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    scope: tokens.scope,
    id_token: tokens.id_token,
  };
}
