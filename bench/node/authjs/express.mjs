// A page of Express behind Auth.js's own question, as the documentation of @auth/express has it, and the same page open.
//   AUTH_SECRET=... node express.mjs PORT
import { getSession } from "@auth/express"
import express from "express"

const config = { providers: [], trustHost: true, basePath: "/api/auth" }
const app = express()
app.set("trust proxy", true)

const page = (_, response) => response.type("html").send("<!doctype html><main>Orders</main>")

async function authenticated(request, response, next) {
  response.locals.session = await getSession(request, config)
  if (response.locals.session) return next()
  response.redirect(307, `/api/auth/signin?callbackUrl=${encodeURIComponent(request.originalUrl)}`)
}

app.get("/open", page)
app.get("/dashboard/{*path}", authenticated, page)
app.listen(Number(process.argv[2]), "127.0.0.1")
