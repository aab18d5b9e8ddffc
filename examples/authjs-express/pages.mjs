// The pages, as plain HTML with one style sheet and one script of their own inside.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

const style = readFileSync(new URL("style.css", import.meta.url), "utf8")
const ordersScript = readFileSync(new URL("orders.js", import.meta.url), "utf8")
const icon =
  "data:image/svg+xml," +
  encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
     <rect width="32" height="32" rx="8" fill="#0b7a75"/>
     <path d="M8 25V14a8 8 0 0 1 16 0v11M13.5 25V14m5 11V14" fill="none" stroke="#fff" stroke-width="2.4"/>
     </svg>`,
  )

const sha256 = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
export const contentSecurityPolicy = [
  "default-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "connect-src 'self'",
  "img-src data:",
  `style-src ${sha256(style)}`,
  `script-src ${sha256(ordersScript)}`,
].join("; ")

export function home(session) {
  const who = session
    ? html`<p id="who">You are signed in as <strong>${session.user.name}</strong>.</p>`
    : html`<p id="who">You are not signed in.</p>`
  const next = session
    ? html`<a class="button" href="/dashboard">Open the dashboard</a>`
    : html`<a class="button" href="/api/auth/signin?callbackUrl=%2Fdashboard">Sign in</a>`
  return page(
    "Home",
    html`<h1>One login, every service</h1>
      <p class="lead">
        This page is public. <a href="/dashboard">The dashboard</a> and
        <a href="/orders/me">the orders API</a> are behind the gate: Envoy asks sessiongate about each request
        before a service sees it.
      </p>
      ${who}
      <p>${next}</p>`,
  )
}

export function dashboard({ session, headers, csrfToken }) {
  return page(
    "Dashboard",
    html`<header class="row">
        <h1>Hello, ${session.user.name}</h1>
        <form method="post" action="/api/auth/signout">
          <input type="hidden" name="csrfToken" value="${csrfToken}" />
          <input type="hidden" name="callbackUrl" value="/" />
          <button class="quiet" id="sign-out">Sign out</button>
        </form>
      </header>
      <section>
        <h2>Your session, as Auth.js reads it</h2>
        ${table({
          Name: html`<span id="name">${session.user.name}</span>`,
          "E-mail": html`<span id="email">${session.user.email}</span>`,
          Expires: html`<time id="expires" datetime="${session.expires}">${readable(session.expires)}</time>`,
        })}
      </section>
      <section>
        <h2>What sessiongate told this service</h2>
        ${table({
          "x-auth-user-id": html`<code id="gate-id">${headers["x-auth-user-id"] ?? "absent"}</code>`,
          "x-auth-user-email": html`<code id="gate-email">${headers["x-auth-user-email"] ?? "absent"}</code>`,
          "x-auth-session": html`<code>${shortened(headers["x-auth-session"])}</code>`,
        })}
      </section>
      <section>
        <h2>Another service, in Python</h2>
        <p>It has no Auth.js and no secret. It learns who you are from those headers alone.</p>
        <p><button id="load-orders">Load my orders</button></p>
        <div id="orders" aria-live="polite"></div>
      </section>
      <script>${raw(ordersScript)}</script>`,
  )
}

export function problem(message) {
  return page(
    "Problem",
    html`<h1>That did not work</h1>
      <p class="lead">${message}</p>
      <p><a href="/">Home</a></p>`,
  )
}

function page(title, body) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>${title} · sessiongate demo</title>
<link rel="icon" href="${icon}" />
<style>${raw(style)}</style>
</head>
<body>
<nav><a href="/">sessiongate demo</a></nav>
<main>${body}</main>
</body>
</html>
`.text
}

function table(rows) {
  const row = ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`
  const lines = Object.entries(rows).map(row)
  return html`<table><tbody>${lines}</tbody></table>`
}

const readable = (iso) =>
  new Date(iso).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }) + " UTC"
const shortened = (text = "absent") => (text.length > 44 ? `${text.slice(0, 44)}…` : text)

/** Text that is HTML already; all else that `html` is given gets escaped. */
class Markup {
  constructor(text) {
    this.text = text
  }
}
const raw = (text) => new Markup(text)
const markup = (value) =>
  value instanceof Markup ? value.text
  : Array.isArray(value) ? value.map(markup).join("")
  : escaped(String(value))

function html(strings, ...values) {
  return raw(strings.reduce((text, next, i) => text + markup(values[i - 1]) + next))
}

function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
  return text.replace(/[&<>"']/g, (character) => entities[character])
}
