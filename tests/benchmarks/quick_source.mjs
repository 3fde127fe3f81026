// A source that signs everybody in at once, in the dialect of the population register's sign-in: the least work that an
// honest source can do, so that what is measured is ours. PORT, CLIENT_SECRET; TOKEN_DELAY_MS holds back the token.
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

const port = Number(process.env.PORT)
const issuer = process.env.ISSUER
const delay = Number(process.env.TOKEN_DELAY_MS ?? 0)
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'quick', alg: 'ES256', use: 'sig' }
const codes = new Map()
const tokens = new Map()

const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
  token_endpoint_auth_methods_supported: ['client_secret_post'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

function idToken({ number, nonce, clientId }) {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: issuer, sub: `subject of ${number}`, aud: clientId, iat: now, exp: now + 300, auth_time: now, nonce,
    acr: 'level3', amr: ['pwd', 'otp'], accountLevel: 2, authenticationLevel: 3,
  }
  const input = `${encoded({ alg: 'ES256', kid: 'quick', typ: 'JWT' })}.${encoded(claims)}`
  const signature = createSign('SHA256').update(input).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function authorize(query) {
  const asked = new URLSearchParams(query)
  const code = randomBytes(18).toString('base64url')
  codes.set(code, {
    number: asked.get('login_hint'), nonce: asked.get('nonce'), clientId: asked.get('client_id'),
    challenge: asked.get('code_challenge'),
  })
  const answer = new URLSearchParams({ code, state: asked.get('state'), iss: issuer })
  return `${asked.get('redirect_uri')}?${answer}`
}

function token(body) {
  const asked = new URLSearchParams(body)
  const known = codes.get(asked.get('code'))
  codes.delete(asked.get('code'))
  const proof = createHash('sha256').update(asked.get('code_verifier') ?? '').digest('base64url')
  if (!known || (known.challenge && known.challenge !== proof)) return { error: 'invalid_grant' }
  const accessToken = randomBytes(24).toString('base64url')
  tokens.set(accessToken, known)
  return { access_token: accessToken, token_type: 'Bearer', expires_in: 300, id_token: idToken(known) }
}

// All have one name: neighbours have other birthdays, so that no number looks like a slip in another's.
function birthDate(number) {
  const day = 1 + Number(number) % 28
  const month = 1 + Math.floor(Number(number) / 28) % 12
  return `${String(day).padStart(2, '0')}/${String(month).padStart(2, '0')}/1992`
}

function userinfo(header) {
  const bearer = (header ?? '').slice(7)
  const known = tokens.get(bearer)
  tokens.delete(bearer)
  return {
    sub: `subject of ${known.number}`, citizenPid: known.number, fullName: 'Nguyễn Thị Mai Anh',
    nameParts: { ho: 'Nguyễn', chuDem: 'Thị Mai', ten: 'Anh' }, birthDate: birthDate(known.number), gender: 'Nữ',
    accountLevel: 2, authenticationLevel: 3,
  }
}

function json(response, value, status = 200) {
  const body = JSON.stringify(value)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

createServer((request, response) => {
  const [path, query] = request.url.split('?')
  if (path === '/.well-known/openid-configuration') return json(response, metadata)
  if (path === '/jwks') return json(response, { keys: [jwk] })
  if (path === '/userinfo') return json(response, userinfo(request.headers.authorization))
  if (path === '/authorize') return response.writeHead(303, { Location: authorize(query), 'Content-Length': 0 }).end()
  if (path !== '/token') return json(response, { error: 'not_found' }, 404)
  let body = ''
  request.on('data', (piece) => { body += piece })
  request.on('end', () => setTimeout(() => json(response, token(body)), delay))
}).listen(port, '127.0.0.1', () => console.log('ready'))
