// The same page where no proxy asks: what Next.js takes by itself.
export default function Page() {
  return <main>Orders</main>
}
