package deploy

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
)

// With the component a worker has all that a login with an access token needs. It reaches the
// token endpoint and nothing of the cluster by it. Without the component it may not call out
// there.
func TestManifestsForAnAccessToken(t *testing.T) {
	t.Parallel()
	c, err := kustomized(t, overlay+"components: [../base/xoauth2]\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.problems(t) {
		t.Error(problem)
	}
	env := c.env(c.pods["worker"].Spec.Containers[0])
	if file := env["REKEY_SMTP_OAUTH_SECRET_FILE"]; filepath.Dir(file) != filepath.Dir("/secrets/smtp/password") {
		t.Errorf("the client secret is at %s", file)
	}
	readsSecret(t, env, "--smtp-oauth-secret-file")
	out := c.objects["NetworkPolicy worker-token-endpoint"].(*networkingv1.NetworkPolicy)
	if !selects(out.Spec.PodSelector.MatchLabels, c.pods["worker"]) || selects(out.Spec.PodSelector.MatchLabels, c.pods["starter"]) {
		t.Errorf("%s is not the worker's alone", out.Name)
	}
	if got := outlets(out); !slices.Equal(got, []int{443}) || len(out.Spec.Ingress) > 0 || !slices.Equal(out.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}) {
		t.Errorf("it lets out to %v", got)
	}
	// All that is no public network (RFC 1918, RFC 6598, RFC 3927).
	except := []string{"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
	want := []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: except}}}
	if diff := cmp.Diff(want, out.Spec.Egress[0].To); diff != "" || len(out.Spec.Egress) != 1 {
		t.Errorf("it lets out to other networks than public ones (-want +got):\n%s", diff)
	}
}

// Compose takes the settings of a login with an access token from its environment, and without
// them those of a password.
func TestComposeWithAnAccessToken(t *testing.T) {
	t.Parallel()
	for flag, pairs := range map[string][]string{
		"--smtp-password-file": nil,
		"--smtp-oauth-secret-file": {
			"${REKEY_SMTP_USERNAME:-}", "no-reply@example.com", "${REKEY_SMTP_PASSWORD_FILE-/run/secrets/smtp.password}", `""`,
			"${REKEY_SMTP_OAUTH_TOKEN_URL:-}", "https://login.example.com/token", "${REKEY_SMTP_OAUTH_CLIENT_ID:-}", "client",
			"${REKEY_SMTP_OAUTH_SECRET_FILE:-}", "/run/secrets/smtp.oauth-secret",
		},
	} {
		worker := compose(t, pairs...).Services["worker"]
		env := map[string]string{}
		for name, value := range worker.Environment {
			env[name] = *value
		}
		readsSecret(t, env, flag)
		for _, file := range []string{"smtp.password", "smtp.oauth-secret", "smtp.oauth-refresh"} {
			if !slices.ContainsFunc(worker.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == file }) {
				t.Errorf("%s: the worker is not given %s", flag, file)
			}
		}
	}
}

// readsSecret runs a worker with settings that all fit. It fails first at the missing secret of
// a flag, which is not here.
func readsSecret(t *testing.T, env map[string]string, flag string) {
	t.Helper()
	file, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), file, "worker")
	cmd.Env = []string{"HOME=" + t.TempDir()}
	for name, value := range env {
		if !strings.HasPrefix(name, "TEMPORAL_") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), flag) || !strings.Contains(string(out), "no such file") {
		t.Errorf("%v, want %s: %s", err, flag, out)
	}
}
