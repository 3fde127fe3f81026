// A stand-alone relying party made of npm @openid4vc/oauth2 and @openid4vc/openid4vp: one authorization code flow.
//
// Environment:
//   ISSUER, CLIENT_ID, REDIRECT_URI   required
//   CLIENT_SECRET    sent in the form (client_secret_post)
//   CLIENT_KEY       a private JWK (RSA, JSON, with kid) for private_key_jwt and for signed requests: PS256 everywhere
//                    neither secret nor key: a public client
//   SCOPE            default "openid"
//   PROMPT           such as "none"
//   USE_JAR          "yes" signs the request (RFC 9101) before it is pushed; it pushes every request (RFC 9126)
//   USE_JARM         "yes" asks for a signed answer, and takes no other
//   DPOP             "yes" binds code and tokens to a key (RFC 9449)
//   REFRESH          "yes" also uses the refresh token once
//
// It prints {"authorization_url"}, reads the URL that the browser was sent back to, and prints {"id_token_claims",
// "id_token_header", "userinfo", "token_type", "scope", "refreshed"}. The library asks its user for the cryptography, for
// what proves the client, and for the comparison of `state`: that is what stands here beside its calls.
import { constants, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, randomUUID, sign, verify } from 'node:crypto';
import { cameBackTo, env, print, running } from './party.mjs';
import * as oauth2 from '@openid4vc/oauth2';
import { verifyJarmAuthorizationResponse } from '@openid4vc/openid4vp';

const LIFETIME_SECONDS = 60;
const ALG = env.CLIENT_KEY ? 'PS256' : 'RS256';
const STATE = randomUUID();
const NONCE = randomUUID();
const KINDS = {
  ES256: { dsaEncoding: 'ieee-p1363' },
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  RS256: {},
};

oauth2.setGlobalConfig({ allowInsecureUrls: true }); // plain http is for *.localhost in tests
const clientKey = env.CLIENT_KEY && createPrivateKey({ key: JSON.parse(env.CLIENT_KEY), format: 'jwk' });
const proofKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const proofSigner = { method: 'jwk', alg: 'ES256', publicJwk: proofKeys.publicKey.export({ format: 'jwk' }) };
const clientSigner = { method: 'custom', alg: 'PS256', kid: env.CLIENT_KEY && JSON.parse(env.CLIENT_KEY).kid };

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signJwt(signer, { header, payload }) {
  const key = signer === proofSigner ? proofKeys.privateKey : clientKey;
  const text = `${encoded(signer.kid ? { ...header, kid: signer.kid } : header)}.${encoded(payload)}`;
  const signature = sign('sha256', Buffer.from(text), { key, ...KINDS[signer.alg] });
  return { jwt: `${text}.${signature.toString('base64url')}` };
}

async function verifyJwt(signer, { compact, header }) { // by a key that the provider publishes, and by no other
  const jwk = (await oauth2.fetchJwks(metadata.jwks_uri)).keys.find(({ kid }) => kid === header.kid);
  if (!jwk || header.alg !== ALG) return { verified: false };
  const [head, body, signature] = compact.split('.');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const verified = verify('sha256', Buffer.from(`${head}.${body}`), { key, ...KINDS[ALG] }, Buffer.from(signature, 'base64url'));
  return { verified, signerJwk: jwk };
}

function privateKeyJwt({ body }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: env.CLIENT_ID, sub: env.CLIENT_ID, aud: env.ISSUER, jti: randomUUID(), iat: now, exp: now + LIFETIME_SECONDS };
  body.client_id = env.CLIENT_ID;
  body.client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  body.client_assertion = signJwt(clientSigner, { header: { alg: ALG }, payload: claims }).jwt;
}

function clientAuthentication() {
  if (clientKey) return privateKeyJwt;
  if (!env.CLIENT_SECRET) return oauth2.clientAuthenticationNone({ clientId: env.CLIENT_ID });
  return oauth2.clientAuthenticationClientSecretPost({ clientId: env.CLIENT_ID, clientSecret: env.CLIENT_SECRET });
}

const callbacks = {
  hash: (data, name) => createHash(name.replace('-', '')).update(data).digest(),
  generateRandom: randomBytes,
  clientAuthentication: clientAuthentication(),
  signJwt,
  verifyJwt,
  decryptJwe: () => ({ decrypted: false }),
};
const client = new oauth2.Oauth2Client({ callbacks });
const metadata = await client.fetchAuthorizationServerMetadata(env.ISSUER);

async function signed(plain) {
  const now = Math.floor(Date.now() / 1000);
  const made = await oauth2.createJarAuthorizationRequest({
    authorizationRequestPayload: Object.fromEntries(new URL(plain.authorizationRequestUrl).searchParams),
    additionalJwtPayload: { iss: env.CLIENT_ID, aud: env.ISSUER, nbf: now },
    jwtSigner: clientSigner, expiresInSeconds: LIFETIME_SECONDS, callbacks,
  });
  return made.jarAuthorizationRequest.request;
}

async function begun() {
  const dpop = env.DPOP === 'yes' ? { signer: proofSigner } : undefined;
  const mode = env.USE_JARM === 'yes' ? 'jwt' : undefined;
  const asked = {
    authorizationServerMetadata: metadata, clientId: env.CLIENT_ID, redirectUri: env.REDIRECT_URI, state: STATE, dpop,
    scope: env.SCOPE ?? 'openid', additionalRequestPayload: { nonce: NONCE, prompt: env.PROMPT, response_mode: mode },
  };
  if (env.USE_JAR !== 'yes') return client.createAuthorizationRequestUrl(asked);
  // The library writes requests, signs them and pushes them, but has no word for all three: first one as if there were
  // no place to push it to, and then nothing but that one signed.
  const plain = await client.createAuthorizationRequestUrl({
    ...asked, authorizationServerMetadata: { ...metadata, pushed_authorization_request_endpoint: undefined, require_pushed_authorization_requests: false },
  });
  const pushed = await client.createAuthorizationRequestUrl({
    authorizationServerMetadata: { ...metadata, code_challenge_methods_supported: undefined },
    clientId: env.CLIENT_ID, dpop, additionalRequestPayload: { request: await signed(plain) },
  });
  return { ...pushed, pkce: plain.pkce };
}

async function opened(url) {
  const { jarmAuthorizationResponse } = await verifyJarmAuthorizationResponse({
    jarmAuthorizationResponseJwt: new URL(url).searchParams.get('response') ?? '',
    expectedClientId: env.CLIENT_ID, authorizationRequestPayload: { client_id: env.CLIENT_ID, state: STATE }, callbacks,
  });
  return jarmAuthorizationResponse;
}

async function answered(url) {
  const answer = env.USE_JARM === 'yes' ? await opened(url) : client.parseAuthorizationResponseRedirectUrl({ url });
  client.verifyAuthorizationResponse({ authorizationResponse: answer, authorizationServerMetadata: metadata });
  if (answer.state !== STATE) throw new Error('the answer is to another request');
  if (answer.error) throw Object.assign(new Error('the provider said no'), { error: answer.error });
  return answer.code;
}

async function outcome({ accessTokenResponse: tokens, dpop }, expectedNonce) {
  const { header, payload } = await oauth2.verifyIdTokenJwt({
    idToken: tokens.id_token, authorizationServer: metadata, clientId: env.CLIENT_ID, expectedNonce, callbacks,
  });
  const told = await client.resourceRequest({
    url: metadata.userinfo_endpoint, requestOptions: { method: 'GET', headers: {} }, accessToken: tokens.access_token, dpop, callbacks,
  });
  if (!told.ok) throw new Error(`userinfo answered ${told.response.status}`);
  return {
    id_token_claims: payload, id_token_header: header, userinfo: await told.response.json(), token_type: tokens.token_type,
    scope: tokens.scope,
  };
}

await running(async () => {
  const { authorizationRequestUrl, pkce, dpop } = await begun();
  print({ authorization_url: authorizationRequestUrl });
  const bought = await client.retrieveAuthorizationCodeAccessToken({
    authorizationServerMetadata: metadata, authorizationCode: await answered(await cameBackTo()),
    pkceCodeVerifier: pkce.codeVerifier, redirectUri: env.REDIRECT_URI, dpop,
  });
  const result = await outcome(bought, NONCE);
  if (env.REFRESH === 'yes') {
    const { refresh_token: refreshToken } = bought.accessTokenResponse;
    result.refreshed = await outcome(await client.retrieveRefreshTokenAccessToken({ authorizationServerMetadata: metadata, refreshToken, dpop: bought.dpop }));
  }
  print(result);
});
