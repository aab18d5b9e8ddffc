// An Express application with Auth.js. It guards nothing itself: sessiongate, in front of it, does.
//
//   AUTH_SECRET    the secret shared with sessiongate
//   AUTH_URL       the origin that browsers see, which is Envoy's
//   DEMO_PASSWORD  the password of ada@example.com
//   REVOCATIONS_URL, REVOCATION_SECRET   where a sign-out is told, as in http://127.0.0.1:9193/revocations; off when absent
//   PORT, HOST     where to listen (3000 of 127.0.0.1)
//   TRUSTED        who may tell the client's address and scheme: `loopback`, or `uniquelocal` between containers
import express from "express"
import { basePath, csrfToken, routes, sessionOf } from "./auth.mjs"
import { contentSecurityPolicy, dashboard, home, problem } from "./pages.mjs"

const app = express()
app.disable("x-powered-by")
// Envoy tells the scheme and address of the client in X-Forwarded-*.
app.set("trust proxy", process.env.TRUSTED ?? "loopback")

app.use(basePath, routes)

app.use((req, res, next) => {
  res.set({ "cache-control": "no-store", "content-security-policy": contentSecurityPolicy })
  next()
})

app.get("/", async (req, res) => {
  res.send(home(await sessionOf(req)))
})

app.get("/dashboard", async (req, res) => {
  const session = await sessionOf(req)
  if (!session) {
    res.status(500).send(problem("A request without a session came through: is the gate in front?"))
    return
  }
  res.send(dashboard({ session, headers: req.headers, csrfToken: await csrfToken(req, res) }))
})

app.use((req, res) => {
  res.status(404).send(problem("There is no such page."))
})

const port = Number(process.env.PORT ?? 3000)
const host = process.env.HOST ?? "127.0.0.1"
const server = app.listen(port, host, (error) => {
  if (error) throw error
  console.log(`listening on ${host}:${port}`)
})

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
}
