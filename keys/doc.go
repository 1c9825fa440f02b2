// Package keys holds every key of rekey and all data sealed under them.
//
// Each use has a keyset (Tink) in a file of its own, so that a process gets only the keys that
// it needs. A starter can open links and seal submissions, and only a worker can open
// submissions. A codec server can only read payloads.
//
//	link.json            AEAD   seals links                        starter, worker
//	payload.json         AEAD   seals all that Temporal keeps      everybody
//	submission.json      HPKE   opens submissions                  worker
//	submission.pub.json  HPKE   seals submissions                  starter
//	account.json         PRF    makes account keys of addresses    starter, operators
//	salt.json            PRF    makes salts of tokens              starter
//
// # Rotation
//
// Keysets rotate in three steps, with all processes restarted in between. Add a key, Promote
// it, and Retire the old one when nothing is left that it sealed. The two PRFs do not rotate.
// Another account key would be another workflow ID, and an account could have two runs at once.
// Another salt would make a repeated submission look like a different one.
//
// # Strangers
//
// Any client of Temporal can put any bytes where a run reads them, with or without rekey's
// keys. A run must refuse invented payloads ([ErrForeign]). It must wait for a key that its
// worker does not have yet ([ErrUnknownKey]). All workers must judge alike, with every set of
// keys. The key ID in front of a sealed payload cannot tell the two apart. A client can invent
// an ID, and a run would wait for that key for ever. Two things do:
//
//   - payload.json holds one more key, the family key, which never rotates. Each payload
//     begins with a MAC of its ciphertext under it. No valid MAC: made up.
//   - A keyset remembers the IDs of its retired keys. A payload under one of them has
//     a valid MAC, but only old histories hold such a payload. A copy of it is refused like an
//     invented one.
package keys
