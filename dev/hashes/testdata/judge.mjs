// Makes hashes with the libraries of better-auth, bcryptjs and ASP.NET Core Identity, and checks
// hashes with them. better-auth/crypto of 1.7.25 is @better-auth/utils/password. See judge.py for
// the input.
import { readFileSync } from "node:fs";
import * as better from "@better-auth/utils/password";
import bcrypt from "bcryptjs";
import identity from "aspnetcore-identity-password-hasher";

const libraries = {
  "better-auth": [better.hashPassword, (p, h) => better.verifyPassword(h, p)],
  bcryptjs: [(p) => bcrypt.hash(p, 10), bcrypt.compare],
  Identity: [identity.hash, identity.verify],
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const out = {};
if (asked.do === "make") {
  for (const [name, [make]] of Object.entries(libraries)) out[name] = await make(asked.password);
} else {
  for (const [name, hash] of Object.entries(asked.hashes)) {
    const check = libraries[name][1];
    out[name] = [await check(asked.right, hash), await check(asked.wrong, hash)];
  }
}
process.stdout.write(JSON.stringify(out));
