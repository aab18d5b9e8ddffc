// What a reader does in the browser, in Chromium. Reads one step a line from standard input:
//
//   open http://localhost:10000/hello     goes there
//   at http://localhost:10000/hello       waits until that is the address; `…` stands for anything
//   see hello ada@example.com             waits until that text can be seen
//   fill Email: ada@example.com           types into the field of that label or placeholder
//   click Sign in                         clicks on the button or link of that name
//   picture login                         keeps a picture in target/tmp/docs
//
// The profile lasts as long as the HOME of a page, so the blocks of one page use one browser.
import { mkdirSync } from "node:fs"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"

const PATIENCE = 30_000 // ms, of one step: a development server compiles a page when it is first asked for
const pictures = fileURLToPath(new URL("../../../target/tmp/docs/", import.meta.url))

const verbs = {
  open: (page, url) => page.goto(url),
  at: (page, url) => page.waitForURL(pattern(url), { waitUntil: "commit" }),
  see: (page, words) => page.getByText(words).first().waitFor(),
  fill: (page, words) => {
    const [, label, value] = /^(.*?): (.*)$/.exec(words)
    return page.getByLabel(label).or(page.getByPlaceholder(label)).first().fill(value)
  },
  click: (page, name) => page.getByRole("button", { name }).or(page.getByRole("link", { name })).click(),
  picture: (page, name) => page.screenshot({ path: `${pictures}${name}.png` }),
}

const pattern = (url) => new RegExp(`^${url.split("…").map(escaped).join(".*")}$`)
const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

async function main() {
  mkdirSync(pictures, { recursive: true })
  // The sandbox needs rights that a container does not give; the pages are our own.
  const browser = await chromium.launchPersistentContext(`${process.env.HOME}/browser`, {
    executablePath: "/usr/bin/chromium",
    chromiumSandbox: false,
    args: ["--disable-gpu"],
    viewport: { width: 1000, height: 700 },
  })
  const page = browser.pages()[0]
  page.setDefaultTimeout(PATIENCE)
  page.on("pageerror", (error) => console.log(`the page's own error: ${error}`))
  try {
    for (const step of (await text(process.stdin)).split("\n").filter((line) => line.trim())) {
      await take(page, step.trim())
    }
  } finally {
    await browser.close()
  }
}

async function take(page, step) {
  const [verb, ...words] = step.split(" ")
  if (!verbs[verb]) throw new Error(`the browser cannot do "${step}"`)
  console.log(step)
  try {
    await verbs[verb](page, words.join(" "))
  } catch (error) {
    await page.screenshot({ path: `${pictures}failed.png` })
    const seen = (await page.locator("body").innerText()).slice(0, 1000)
    throw new Error(`${error.message}\nAt ${page.url()}, in ${pictures}failed.png, one sees:\n${seen}`)
  }
}

await main().catch((error) => {
  console.log(error.message)
  process.exitCode = 1
})
