// A stand-alone relying party made of npm openid-client: one authorization code flow, driven over standard input and output.
//
// Environment:
//   ISSUER, CLIENT_ID, REDIRECT_URI      required
//   CLIENT_SECRET                        with TOKEN_AUTH client_secret_basic (default) or client_secret_post
//   CLIENT_KEY                           a private JWK (JSON, with alg and kid) for private_key_jwt
//                                        neither secret nor key: a public client
//   ID_TOKEN_ALG                         the algorithm registered for the id_token; default RS256
//   SCOPE                                default "openid"
//   PARAMETERS                           JSON object of further authorization parameters, such as {"prompt": "none"}
//   USE_PAR                              "yes" pushes the request first (RFC 9126)
//   REFRESH                              "yes" also uses the refresh token once
//
// It prints {"authorization_url": ...}, reads one line (the URL that the browser was sent back to), finishes the grant,
// calls userinfo and prints {"id_token_claims", "id_token_header", "userinfo", "token_type", "expires_in", "scope", "id_token"}.
// A failure prints {"error", "code", "message", "wire_error"} and ends with status 1.
import { createInterface } from 'node:readline';
import './localhost.mjs';

const client = await import('openid-client');
const env = process.env;
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function clientAuthentication() {
  if (env.CLIENT_KEY) {
    const jwk = JSON.parse(env.CLIENT_KEY);
    const algorithm = jwk.kty === 'EC'
      ? { name: 'ECDSA', namedCurve: jwk.crv }
      : { name: jwk.alg?.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const { use, key_ops: _, ...plain } = jwk; // WebCrypto refuses a key whose stated use it does not know
    return client.PrivateKeyJwt({ key: await crypto.subtle.importKey('jwk', plain, algorithm, false, ['sign']), kid: jwk.kid });
  }
  if (!env.CLIENT_SECRET) return client.None();
  return env.TOKEN_AUTH === 'client_secret_post'
    ? client.ClientSecretPost(env.CLIENT_SECRET)
    : client.ClientSecretBasic(env.CLIENT_SECRET);
}

async function begin(config, checks) {
  const parameters = {
    redirect_uri: env.REDIRECT_URI,
    scope: env.SCOPE ?? 'openid',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...JSON.parse(env.PARAMETERS ?? '{}'),
  };
  return env.USE_PAR === 'yes'
    ? client.buildAuthorizationUrlWithPAR(config, parameters)
    : client.buildAuthorizationUrl(config, parameters);
}

async function finish(config, checks, callbackUrl) {
  const tokens = await client.authorizationCodeGrant(config, new URL(callbackUrl), { ...checks, idTokenExpected: true });
  const claims = tokens.claims();
  const result = {
    id_token_claims: claims,
    id_token_header: JSON.parse(Buffer.from(tokens.id_token.split('.')[0], 'base64url')),
    userinfo: await client.fetchUserInfo(config, tokens.access_token, claims.sub),
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    scope: tokens.scope,
    id_token: tokens.id_token,
  };
  if (env.REFRESH === 'yes') {
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    result.refreshed = { id_token_claims: refreshed.claims(), refresh_token_rotated: refreshed.refresh_token !== tokens.refresh_token };
  }
  return result;
}

try {
  const config = await client.discovery(
    new URL(env.ISSUER),
    env.CLIENT_ID,
    { id_token_signed_response_alg: env.ID_TOKEN_ALG ?? 'RS256' },
    await clientAuthentication(),
    // Plain http is for *.localhost in tests. Non-repudiation: check the id_token's signature although it came from the token endpoint.
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  );
  const checks = {
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
  };
  print({ authorization_url: await begin(config, checks) });
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    print(await finish(config, checks, line.trim()));
    break;
  }
} catch (error) {
  const wireError = error.error ?? error.cause?.[0]?.parameters?.error; // the latter from a WWW-Authenticate header
  print({ error: error.name, code: error.code, message: error.message, wire_error: wireError });
  process.exitCode = 1;
}
process.stdin.destroy();
