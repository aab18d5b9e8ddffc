// Asks the orders service through the same Envoy, with the same session cookie, and shows the answer.
const button = document.getElementById("load-orders")
const place = document.getElementById("orders")

button.addEventListener("click", async () => {
  button.disabled = true
  try {
    const answer = await fetch("/orders/me", { headers: { accept: "application/json" } })
    const seen = answer.ok ? ordersOf(await answer.json()) : text("p", `The answer was ${answer.status}.`)
    place.replaceChildren(seen)
  } catch {
    place.replaceChildren(text("p", "The service could not be reached."))
  } finally {
    button.disabled = false
  }
})

function ordersOf({ user, orders }) {
  const rows = orders.map(({ id, item, total }) => {
    const row = document.createElement("tr")
    row.append(text("th", id), text("td", item), text("td", total))
    return row
  })
  const body = document.createElement("tbody")
  body.append(...rows)
  const table = document.createElement("table")
  table.append(text("caption", `Orders of ${user.email} (${user.id})`), body)
  return table
}

function text(tag, content) {
  const element = document.createElement(tag)
  element.textContent = content
  return element
}
