import NextAuth from "next-auth"

// Who may pass is asked of every page that the proxy guards, as the documentation of next-auth has it.
export const { auth, handlers } = NextAuth({
  providers: [],
  trustHost: true,
  callbacks: { authorized: ({ auth: session }) => Boolean(session) },
})
