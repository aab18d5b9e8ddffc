// An OpenID Connect issuer, for pages whose readers have one: http://localhost:4000, a client `edge`, and whoever
// types a name is that person, in the groups `staff` and `admins`.
import { createServer } from "node:http"
import { createRequire } from "node:module"

const require = createRequire(new URL("../fixtures/oidc/issuer.mjs", import.meta.url))
const { default: Provider } = await import(require.resolve("oidc-provider"))

const person = (name) => ({
  sub: name,
  email: `${name}@example.com`,
  email_verified: true,
  preferred_username: name,
  groups: ["staff", "admins"],
})

const provider = new Provider("http://localhost:4000", {
  clients: [
    {
      client_id: "edge",
      client_secret: "from-the-issuer",
      redirect_uris: ["http://localhost:10000/api/auth/callback/login"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  findAccount: (_, name) => ({ accountId: name, claims: () => person(name) }),
})
createServer(provider.callback()).listen(4000, "127.0.0.1", () => console.log("listening"))
