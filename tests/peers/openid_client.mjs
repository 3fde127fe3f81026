// A stand-alone relying party made of npm openid-client: one authorization code flow, driven over standard input and output.
//
// Environment, beside that of openid_client_setup.mjs:
//   REDIRECT_URI          required
//   SCOPE                 default "openid"
//   PARAMETERS            JSON object of further authorization parameters, such as {"prompt": "none"}
//   USE_PAR               "yes" pushes the request first (RFC 9126)
//   USE_JAR               "yes" signs the request with CLIENT_KEY (RFC 9101)
//   USE_JARM              "yes" takes no answer but a signed one
//   REFRESH               "yes" also uses the refresh token once
//   LOGOUT_REDIRECT_URI   also makes the address at which the person signs out
//
// It prints {"authorization_url": ...}, reads one line (the URL that the browser was sent back to), finishes the grant,
// calls userinfo and prints {"id_token_claims", "id_token_header", "userinfo", "token_type", "expires_in", "scope", "id_token"}.
import { binding, cameBackTo, client, configured, env, outcome, print, running, signingKey } from './openid_client_setup.mjs';

async function begin(config, checks, bound) {
  let parameters = {
    redirect_uri: env.REDIRECT_URI,
    scope: env.SCOPE ?? 'openid',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...JSON.parse(env.PARAMETERS ?? '{}'),
  };
  if (env.USE_JAR === 'yes') {
    parameters = (await client.buildAuthorizationUrlWithJAR(config, parameters, await signingKey())).searchParams;
  }
  return env.USE_PAR === 'yes'
    ? client.buildAuthorizationUrlWithPAR(config, parameters, bound)
    : client.buildAuthorizationUrl(config, parameters);
}

async function finish(config, checks, callbackUrl, bound) {
  const tokens = await client.authorizationCodeGrant(config, new URL(callbackUrl), { ...checks, idTokenExpected: true }, {}, bound);
  const result = await outcome(config, tokens, bound);
  if (env.REFRESH === 'yes') {
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, {}, bound);
    result.refreshed = { id_token_claims: refreshed.claims(), refresh_token_rotated: refreshed.refresh_token !== tokens.refresh_token };
    result.refreshed.userinfo = await client.fetchUserInfo(config, refreshed.access_token, result.id_token_claims.sub, bound);
  }
  if (env.LOGOUT_REDIRECT_URI) {
    result.end_session_url = client.buildEndSessionUrl(config, { post_logout_redirect_uri: env.LOGOUT_REDIRECT_URI, id_token_hint: tokens.id_token, state: 'out' });
  }
  return result;
}

await running(async () => {
  const config = await configured(...(env.USE_JARM === 'yes' ? [client.useJwtResponseMode] : []));
  const bound = await binding(config);
  const checks = {
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
  };
  print({ authorization_url: await begin(config, checks, bound) });
  print(await finish(config, checks, await cameBackTo(), bound));
});
