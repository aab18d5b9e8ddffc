// An OpenID Connect issuer with one user who is always signed in, for the peers that want one: its keys, a login by
// code that asks nothing, and a JWT of the benchmark's claims at /jwt. RS256, as most issuers sign.
//   node issuer.mjs PORT CLAIMS
import { createServer } from "node:http"
import { generateKeyPairSync, randomUUID, sign } from "node:crypto"
import { text } from "node:stream/consumers"

const [port, claims] = [Number(process.argv[2]), JSON.parse(process.argv[3])]
const issuer = `http://127.0.0.1:${port}`
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
const key = { ...publicKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" }
const nonces = new Map()

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")

function jwt(audience, more = {}) {
  const now = Math.floor(Date.now() / 1000)
  const body = { iss: issuer, aud: audience, iat: now, exp: now + 86_400, ...claims, ...more }
  const signed = `${encoded({ alg: "RS256", typ: "JWT", kid: key.kid })}.${encoded(body)}`
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`
}

const documents = {
  "/.well-known/openid-configuration": () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  }),
  "/keys": () => ({ keys: [key] }),
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, issuer)
  if (url.pathname === "/authorize") {
    const code = randomUUID()
    nonces.set(code, url.searchParams.get("nonce"))
    const back = new URL(url.searchParams.get("redirect_uri"))
    back.searchParams.set("code", code)
    back.searchParams.set("state", url.searchParams.get("state"))
    return response.writeHead(302, { location: back.href }).end()
  }
  if (url.pathname === "/token") {
    const form = new URLSearchParams(await text(request))
    const nonce = nonces.get(form.get("code"))
    const tokens = { token_type: "Bearer", expires_in: 3600, access_token: randomUUID() }
    return answer(response, { ...tokens, id_token: jwt("oauth2-proxy", nonce ? { nonce } : {}) })
  }
  if (url.pathname === "/jwt") return response.end(jwt("bench"))
  const document = documents[url.pathname]
  return document ? answer(response, document()) : response.writeHead(404).end()
})

function answer(response, body) {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=3600" })
  response.end(JSON.stringify(body))
}

server.listen(port, "127.0.0.1")
