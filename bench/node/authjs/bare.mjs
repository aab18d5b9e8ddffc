// The least that answers an external authorization over HTTP with Auth.js: getToken, and nothing else.
//   AUTH_SECRET=... node bare.mjs PORT
import { createServer } from "node:http"
import { getToken } from "@auth/core/jwt"

const secret = process.env.AUTH_SECRET

const server = createServer(async (request, response) => {
  const token = request.url === "/open" || (await getToken({ req: request, secret, secureCookie: false }))
  response.writeHead(token ? 200 : 401).end(token ? "Orders" : "")
})
server.listen(Number(process.argv[2]), "127.0.0.1")
