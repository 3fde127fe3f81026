// A system of its own, made of npm openid-client: client_credentials (RFC 6749 section 4.4), and one token looked into.
//
// Environment, beside that of openid_client_setup.mjs: SCOPE, and INTROSPECT ("yes" looks into the token, RFC 7662).
// It prints {"token_type", "scope", "access_token", "introspected"}.
import { binding, client, configured, env, print, running } from './openid_client_setup.mjs';

await running(async () => {
  const config = await configured();
  const bound = await binding(config);
  const tokens = await client.clientCredentialsGrant(config, { scope: env.SCOPE }, bound);
  const introspected = env.INTROSPECT === 'yes' ? await client.tokenIntrospection(config, tokens.access_token) : null;
  print({ token_type: tokens.token_type, scope: tokens.scope, access_token: tokens.access_token, introspected });
});
