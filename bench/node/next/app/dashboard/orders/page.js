// Guarded by the proxy; rendered once, when the application is built.
export default function Page() {
  return <main>Orders</main>
}
