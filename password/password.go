// Package password judges new passwords and hashes them.
//
// The policy follows NIST SP 800-63B-4 (section 3.1.1.2): length and a block list in
// place of composition rules, every character allowed, nothing truncated. Hashing is
// Argon2id with the parameters of the OWASP Password Storage Cheat Sheet, inside a
// budget that bounds how much memory and how many cores it takes.
package password
