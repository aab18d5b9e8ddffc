// Who may sign in, and who is signed in: the whole of this application's Auth.js.
import { createHash, timingSafeEqual } from "node:crypto"
import { Auth } from "@auth/core"
import Credentials from "@auth/core/providers/credentials"
import { ExpressAuth, getSession } from "@auth/express"

/** Where Auth.js answers; sessiongate's default `login.url` is `/api/auth/signin`. */
export const basePath = "/api/auth"

const required = (name) => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

const origin = required("AUTH_URL")
const password = required("DEMO_PASSWORD")
const ada = { id: "u-1815", name: "Ada Lovelace", email: "ada@example.com" }

const config = {
  basePath,
  secret: required("AUTH_SECRET"),
  trustHost: true,
  theme: { brandColor: "#0b7a75", buttonText: "#ffffff" },
  providers: [
    Credentials({
      name: "your password",
      credentials: {
        email: { label: "E-mail", type: "email", autocomplete: "username", required: true },
        password: { label: "Password", type: "password", autocomplete: "current-password", required: true },
      },
      authorize: ({ email, password: given }) =>
        email === ada.email && same(given, password) ? ada : null,
    }),
  ],
  // @auth/express sets basePath for every request and then warns that AUTH_URL could have told it.
  logger: { warn: (code) => code === "env-url-basepath-redundant" || console.warn("Auth.js warns:", code) },
  // A sign-out ends the encrypted token too: sessiongate refuses it from now on, on every replica.
  events: { signOut: ({ token }) => revoke(token?.sub) },
  callbacks: {
    session: ({ session, token }) => ({ ...session, user: { ...session.user, id: token.sub } }),
  },
}

/** Auth.js's own routes: sign-in form, callback, sign-out, CSRF token, session. */
export const routes = ExpressAuth(config)

/** The session of this request as Auth.js sees it, or null. */
export const sessionOf = (req) => getSession(req, config)

/**
 * The CSRF token that Auth.js wants in every form, for a page of our own. Its cookie ends with the
 * browser while the session lives on, so a fresh one is set where it is missing.
 */
export async function csrfToken(req, res) {
  const headers = { cookie: req.headers.cookie ?? "" }
  const answer = await Auth(new Request(`${origin}${basePath}/csrf`, { headers }), config)
  for (const cookie of answer.headers.getSetCookie()) res.append("set-cookie", cookie)
  return (await answer.json()).csrfToken
}

/** Ends every session of a user where sessiongate's admin listener is configured; a sign-out that fails there is told. */
async function revoke(sub) {
  const { REVOCATIONS_URL: url, REVOCATION_SECRET: secret } = process.env
  if (!url || !sub) return
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ sub }),
    signal: AbortSignal.timeout(5000),
  })
  if (!answer.ok) throw new Error(`the session was not revoked: ${answer.status}`)
}

function same(given, expected) {
  const digest = (text) => createHash("sha256").update(String(text)).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
