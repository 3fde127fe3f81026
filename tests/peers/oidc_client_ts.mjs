// A stand-alone public relying party made of npm oidc-client-ts: one authorization code flow, and out again.
//
// Environment:
//   ISSUER, CLIENT_ID, REDIRECT_URI   required
//   SCOPE                  default "openid"
//   PROMPT                 such as "none"
//   REFRESH                "yes" also uses the refresh token once
//   LOGOUT_REDIRECT_URI    also makes the address at which the person signs out
//
// It prints {"authorization_url"}, reads the URL that the browser was sent back to, and prints {"profile", "token_type",
// "scope", "refreshed", "end_session_url"}, where a profile is id_token and userinfo together. With LOGOUT_REDIRECT_URI it
// reads where the browser landed after that, and prints {"signed_out": what it had kept for then}.
import { randomUUID } from 'node:crypto';
import { cameBackTo, env, print, running } from './party.mjs';
import { OidcClient } from 'oidc-client-ts';

const LEAVING = { from: 'the page of one application' };

await running(async () => {
  const client = new OidcClient({
    authority: env.ISSUER, client_id: env.CLIENT_ID, redirect_uri: env.REDIRECT_URI, scope: env.SCOPE ?? 'openid',
    post_logout_redirect_uri: env.LOGOUT_REDIRECT_URI, loadUserInfo: true,
  });
  print({ authorization_url: (await client.createSigninRequest({ nonce: randomUUID(), prompt: env.PROMPT })).url });
  const tokens = await client.processSigninResponse(await cameBackTo());
  const result = { profile: tokens.profile, token_type: tokens.token_type, scope: tokens.scope };
  if (env.REFRESH === 'yes') {
    const refreshed = await client.useRefreshToken({ state: tokens });
    result.refreshed = { profile: refreshed.profile, refresh_token_rotated: refreshed.refresh_token !== tokens.refresh_token };
  }
  if (env.LOGOUT_REDIRECT_URI) {
    result.end_session_url = (await client.createSignoutRequest({ id_token_hint: tokens.id_token, state: LEAVING })).url;
  }
  print(result);
  if (env.LOGOUT_REDIRECT_URI) print({ signed_out: (await client.processSignoutResponse(await cameBackTo())).userState });
});
