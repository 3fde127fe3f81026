// A device without a keyboard, made of npm openid-client (RFC 8628): it prints what it shows, and then what it got.
//
// Environment, beside that of openid_client_setup.mjs: SCOPE, default "openid".
// It prints {"user_code", "verification_uri", "verification_uri_complete"}, asks until somebody has decided, and prints
// what openid_client.mjs does.
import { binding, client, configured, env, outcome, print, running } from './openid_client_setup.mjs';

await running(async () => {
  const config = await configured();
  const bound = await binding(config);
  const begun = await client.initiateDeviceAuthorization(config, { scope: env.SCOPE ?? 'openid' });
  print({ user_code: begun.user_code, verification_uri: begun.verification_uri, verification_uri_complete: begun.verification_uri_complete });
  print(await outcome(config, await client.pollDeviceAuthorizationGrant(config, begun, {}, bound), bound));
});
