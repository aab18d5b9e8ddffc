// A service behind sessiongate: who is calling is what the assertion says, a signed JWT in x-auth-assertion.
// It answers with the claims that it verified, or with 401. The README.md one folder up says how to run it.
import { createServer } from "node:http"
import { createRemoteJWKSet, errors, jwtVerify } from "jose"

const HEADER = "x-auth-assertion"
const LONGEST = 8192

const port = Number(required("PORT"))
const issuer = process.env.ISSUER || "sessiongate"
const audience = required("AUDIENCE")

// Fetched with the first assertion, and again for a key ID that it does not hold, as after a rotation. The
// cooldown is what keeps a sender of made-up key IDs from making this service fetch all the time.
const jwks = createRemoteJWKSet(new URL(required("JWKS_URL")), {
  cacheMaxAge: 5 * 60_000,
  cooldownDuration: 10_000,
  timeoutDuration: 5_000,
})

class KeysUnavailable extends Error {}

/** The claims of an assertion that is signed, for this service, and of now. Throws for any other. */
async function verify(token) {
  const { payload } = await jwtVerify(token, publicKey, {
    // Only public-key algorithms. Which of them is for the key to say: jose finds no key in the JWKS where
    // its type or its `alg` is not what the token's header names.
    algorithms: ["EdDSA", "ES256", "RS256"],
    issuer,
    audience, // without it, an assertion made for another service would do here
    requiredClaims: ["exp", "nbf", "sub"], // jose checks times that are there, but does not ask for them
    clockTolerance: 5,
  })
  if (typeof payload.sub !== "string") {
    throw new errors.JWTInvalid('"sub" claim must be a string')
  }
  return payload
}

async function publicKey(header, token) {
  // jose would take whichever key fits for a token that names none.
  if (typeof header.kid !== "string") {
    throw new errors.JWKSNoMatchingKey()
  }
  try {
    return await jwks(header, token)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
      throw error
    }
    // The rest is about the JWKS and not about the token: no connection, not 200, not a JWKS.
    console.error("JWKS:", error.message)
    throw new KeysUnavailable()
  }
}

async function answer(request) {
  // Every line of that name: `request.headers` would join several with a comma, as some proxies do too.
  const [token, ...others] = request.headersDistinct[HEADER] ?? []
  if (!token) {
    return [401, { message: "no assertion" }]
  }
  if (others.length > 0 || token.includes(",")) {
    return [401, { message: "more than one assertion" }]
  }
  if (token.length > LONGEST) {
    return [401, { message: "assertion too long" }]
  }
  try {
    const { sub, sid = null, rule = null } = await verify(token)
    return [200, { sub, sid, rule }]
  } catch (error) {
    if (error instanceof KeysUnavailable) {
      return [503, { message: "keys unavailable" }]
    }
    return [401, { message: error instanceof errors.JOSEError ? error.message : "assertion not valid" }]
  }
}

function required(name) {
  const value = process.env[name]
  if (!value) {
    console.error(`${name} is not set`)
    process.exit(1)
  }
  return value
}

const server = createServer(async (request, response) => {
  const [status, content] = await answer(request)
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
  response.end(JSON.stringify(content))
})

server.listen(port, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${port}`))
