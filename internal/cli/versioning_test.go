package cli

import "testing"

// The version of a release is its build ID.
func TestBuildIDOfARelease(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ deployment, id, release, want string }{
		{"", "", "v1.2.3", ""},
		{"rekey", "", "v1.2.3", "v1.2.3"},
		{"rekey", "one", "v1.2.3", "one"},
		{"rekey", "", "", ""},
		{"rekey", "", "devel", ""},
	} {
		if got := (&workerCmd{Deployment: tc.deployment, BuildID: tc.id}).build(tc.release); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

// A build without a build ID is no build of a deployment.
func TestDeploymentNeedsABuildID(t *testing.T) {
	t.Parallel()
	wrong(t, workerArgs(t, "--build-id=one"), "--build-id ($REKEY_BUILD_ID): needs --deployment ($REKEY_DEPLOYMENT)")
	wrong(t, workerArgs(t, "--deployment=a.b", "--build-id=one"), "--deployment ($REKEY_DEPLOYMENT): want a name without \".\" and \":\", not a.b")
	// The Go command notes no revision in a test.
	refused(t, workerArgs(t, "--deployment=rekey"), "--build-id ($REKEY_BUILD_ID): the program does not know its revision", "commit all changes and build the program again")
}
