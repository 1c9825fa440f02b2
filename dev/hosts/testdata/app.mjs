// An application with better-auth, in the database of DATABASE_URL. Its input is a request in JSON, its
// output better-auth's own answer.
import { readFileSync } from "node:fs";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { admin } from "better-auth/plugins";
import pg from "pg";

const database = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const options = {
  baseURL: "https://app.example.com",
  secret: "a secret of better-auth's cookies, for a test",
  database,
  emailAndPassword: { enabled: true },
  plugins: [admin()], // it bans users
};
const { api } = betterAuth(options);

function signed(response) {
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
  return { status: response.status, cookie: cookies.join("; ") };
}

const requests = {
  migrate: async () => (await getMigrations(options)).runMigrations(),
  signUp: async ({ email, password }) =>
    signed(await api.signUpEmail({ body: { email, password, name: email }, asResponse: true })),
  signIn: async ({ email, password }) => signed(await api.signInEmail({ body: { email, password }, asResponse: true })),
  session: async ({ cookie }) => ({ email: (await api.getSession({ headers: new Headers({ cookie }) }))?.user.email }),
};

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify((await requests[asked.do](asked)) ?? {}));
await database.end();
