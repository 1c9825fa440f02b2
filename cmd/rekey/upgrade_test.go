package main

import "testing"

func TestUpgradeHashIsKnown(t *testing.T) {
	t.Parallel()
	wrong(t, workerArgs(t, "--upgrade-hash=md5"), "--upgrade-hash ($REKEY_UPGRADE_HASH): want argon2id or bcrypt, not md5")
}
