// Package password judges new passwords and hashes them.
//
// The policy follows NIST SP 800-63B-4 (section 3.1.1.2). It has a length and a block list in
// place of composition rules, allows every printable character and truncates nothing. It also
// estimates how hard the password is to guess. A refusal names the reason and a remedy. Hashing
// is Argon2id with the costs of the OWASP Password Storage Cheat Sheet, or in the form of a stored
// hash that an application has: see [Like].
//
// A password goes through four steps, in this order:
//
//	err := policy.Check(typed)                 // costs nothing
//	err = budget.Do(ctx, func() error {        // the rest costs memory and a core
//		err := policy.Strength(typed, address, product)
//		normalized := policy.Normalize(typed)  // at sign-in too
//		phc = params.Hash(normalized, salt)
//		...
//	})
//
// The [Budget] bounds how much of the process all evaluations together may take.
package password
