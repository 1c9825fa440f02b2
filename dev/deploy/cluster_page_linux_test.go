package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

var (
	heading = regexp.MustCompile(`(?m)^## (.*)$`)
	block   = regexp.MustCompile("(?ms)(<!-- not run: [^>]+ -->\n)?^```(sh|yaml)\n(.*?)^```$")
)

// page is the commands of a page by section, with the YAML of its files.
func page(t *testing.T, path string) (commands, files map[string][]string) {
	t.Helper()
	text := replaced(t, filepath.Join(root, path), nil)
	names := heading.FindAllStringSubmatchIndex(text, -1)
	commands, files = map[string][]string{}, map[string][]string{}
	for i, at := range names {
		end := len(text)
		if i+1 < len(names) {
			end = names[i+1][0]
		}
		name := text[at[2]:at[3]]
		for _, m := range block.FindAllStringSubmatch(text[at[0]:end], -1) {
			if m[2] == "yaml" {
				files[name] = append(files[name], m[3])
			} else if m[1] == "" {
				commands[name] = append(commands[name], m[3])
			}
		}
	}
	return commands, files
}

// TestKubernetes runs the product in a cluster: API server, controllers, scheduler and kubelet of
// Kubernetes, with a namespace that enforces the restricted standard. Every command of the page
// works, first with Kustomize, then with Helm. No object is refused or warned of.
func TestKubernetes(t *testing.T) { //nolint:paralleltest // a Temporal server takes its settings from the environment
	programs := os.Getenv("REKEY_KUBERNETES")
	if programs == "" {
		t.Skip("it runs a cluster: dev/deploy/kubernetes.sh FOLDER builds its programs, REKEY_KUBERNETES=FOLDER runs it")
	}
	dir := aside(t)
	if dir == "" {
		return
	}
	n := startNode(t, dir, programs)
	database, mails := n.backing(t)
	commands, files := page(t, "docs/deploy/kubernetes.md")
	ran := map[string]bool{}
	run := func(what string, sections ...string) {
		t.Helper()
		begin := time.Now()
		for _, section := range sections {
			for _, b := range commands[section] {
				n.shell(t, b)
			}
			ran[section] = true
		}
		t.Logf("%s: %s", what, time.Since(begin).Round(time.Second/10)) // for the page
	}
	n.shell(t, "kubectl apply -f "+filepath.Join(programs, "httproutes.yaml")+" -f "+filepath.Join(programs, "servicemonitors.yaml")+" --server-side")

	run("secrets", "Namespace and secrets")
	n.overlays(t, files["Kustomize"][0])
	run("Kustomize", "Kustomize", "First check")
	n.refuses(t)
	n.enforces(t)
	postgrestest.Exec(t, database, `INSERT INTO rekey.accounts (id, address, credential) VALUES ('1', 'alice@example.com', '$argon2id$old'), ('2', 'bob@example.com', '$argon2id$old')`)
	n.forwarded(t, func(starter string) { choose(t, starter, ask(t, starter, "alice@example.com", mails)) })
	run("rotation, a step", "Rotation of keys")
	run("renewal", "Renewal of certificates and passwords")
	run("stop and start, as to restore", "Backup and restore")
	n.shell(t, "sed -i 's/newTag: v0.2.0/newTag: v0.2.1/' kustomization.yaml && grep -q v0.2.1 kustomization.yaml")
	run("upgrade with Kustomize", "Kustomize", "First check")
	n.shell(t, commands["Remove"][0])

	n.shell(t, "rm -r keys keys.backup")
	run("secrets", "Namespace and secrets")
	n.options(t)
	n.values(t, files["Helm"][0])
	run("Helm", "Helm", "First check")
	n.enforces(t)
	n.upgrades(t, mails, commands["Helm"][0])
	n.shell(t, commands["Remove"][1])
	for section := range commands {
		if !ran[section] && section != "Remove" {
			t.Errorf("nobody runs the commands of %q", section)
		}
	}
}

// backing starts what the cluster calls, and makes the files that the page has people make.
func (n *node) backing(t *testing.T) (database string, mails *inbox.Inbox) {
	t.Helper()
	server := n.startPostgres(t)
	n.makeSchema(t)
	n.startTemporal(t)
	n.makeNamespace(t)
	for name, secret := range map[string]string{"store.password": "rekey.password", "smtp.password": "codec.bearer", "ca.crt": "ca.crt", "tls.crt": "temporal.crt", "tls.key": "temporal.key"} {
		n.write(t, "work/"+name, n.secret(t, secret)+"\n")
	}
	if err := os.CopyFS(filepath.Join(n.work, "deploy"), os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		t.Fatal(err)
	}
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	n.shell(t, "mkdir -p ../bin && ln -sf "+file+" ../bin/rekey")
	return server.URL("rekey"), n.startInbox(t)
}

// own are the settings of the examples that are others here.
func (n *node) own() map[string]string {
	return map[string]string{
		"TEMPORAL_ADDRESS": n.address("temporal") + ":7233", "REKEY_SMTP_HOST": n.address("mailpit"), "REKEY_SMTP_PORT": "1025", "REKEY_SMTP_SECURITY": "tls",
		"REKEY_STORE": "postgres://rekey@" + n.address("postgres") + ":5432/rekey?sslmode=verify-full&sslrootcert=/secrets/store/ca.crt", "SSL_CERT_FILE": "/secrets/store/ca.crt",
	}
}

// overlays writes the overlay of the page, over the folder of this checkout.
func (n *node) overlays(t *testing.T, kustomization string) {
	t.Helper()
	for _, pair := range [][2]string{
		{"https://github.com/rekeyhq/rekey//deploy/kubernetes?ref=v0.2.0", "deploy/kubernetes"}, {"registry.example.com/you/rekey", "registry.example.com/rekey"},
	} {
		if !strings.Contains(kustomization, pair[0]) {
			t.Fatalf("the overlay has no %s", pair[0])
		}
		kustomization = strings.ReplaceAll(kustomization, pair[0], pair[1])
	}
	n.write(t, "work/kustomization.yaml", kustomization)
	var config strings.Builder
	for name, variables := range map[string][]string{"temporal": {"TEMPORAL_ADDRESS"}, "store": {"REKEY_STORE"}, "mail": {"REKEY_SMTP_HOST", "REKEY_SMTP_PORT", "REKEY_SMTP_SECURITY", "SSL_CERT_FILE"}} {
		config.WriteString("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: rekey-" + name + "}\ndata:\n")
		for _, v := range variables {
			config.WriteString("  " + v + `: "` + n.own()[v] + "\"\n")
		}
	}
	n.write(t, "work/config.yaml", config.String())
	var network strings.Builder
	for name, to := range map[string][]string{"worker": {"temporal", "postgres", "mailpit"}, "starter": {"temporal"}, "setup": {"temporal"}, "migrate": {"postgres"}} {
		network.WriteString("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " + name + "}\nspec:\n  egress:\n")
		for _, host := range to {
			network.WriteString("    - {to: [{ipBlock: {cidr: " + n.address(host) + "/32}}], ports: [{port: " + ports[host] + "}]}\n")
		}
	}
	n.write(t, "work/network.yaml", network.String())
}

// ports are those of what the cluster calls.
var ports = map[string]string{"temporal": "7233", "postgres": "5432", "mailpit": "1025"}

// enforces tries the ways that the policies leave and those that they do not: a starter has none
// to the accounts, nor to the mail server. A server that is reached closes the connection, since
// it speaks no HTTP.
func (n *node) enforces(t *testing.T) {
	t.Helper()
	for _, way := range []struct {
		from, to string
		open     bool
	}{
		{"worker", "postgres", true},
		{"worker", "mailpit", true},
		{"starter", "temporal", true},
		{"starter", "postgres", false},
		{"starter", "mailpit", false},
		{"codec", "temporal", false},
		{"codec", "postgres", false},
	} {
		want := map[bool]string{true: "EOF", false: "connection refused"}[way.open]
		process.Succeeds(t, patience, fmt.Sprintf("%s to %s: %s", way.from, way.to, want), func() error {
			out, err := n.try("kubectl -n rekey exec deployment/rekey-" + way.from + " -- /rekey health http://" + n.address(way.to) + ":" + ports[way.to])
			if err == nil || !strings.Contains(out, want) {
				return errors.New(out)
			}
			return nil
		})
	}
}

// values writes the values of the page, and a second file with what is else here.
func (n *node) values(t *testing.T, values string) {
	t.Helper()
	o := n.own()
	values = strings.ReplaceAll(values, "registry.example.com/you/rekey", "registry.example.com/rekey")
	values = strings.ReplaceAll(values, "temporal-frontend.temporal:7233", o["TEMPORAL_ADDRESS"])
	var network strings.Builder
	network.WriteString("networkPolicy:\n")
	for name, host := range map[string]string{"temporal": "temporal", "database": "postgres", "mail": "mailpit"} {
		network.WriteString("  " + name + ": {port: " + ports[host] + ", to: [{ipBlock: {cidr: " + n.address(host) + "/32}}]}\n")
	}
	n.write(t, "work/my-values.yaml", strings.Replace(values+network.String(), "settings:\n", "settings:\n  store: {REKEY_STORE: \""+o["REKEY_STORE"]+"\"}\n  mail: {REKEY_SMTP_HOST: "+o["REKEY_SMTP_HOST"]+
		", REKEY_SMTP_PORT: 1025, REKEY_SMTP_SECURITY: tls}\n  worker: {SSL_CERT_FILE: "+o["SSL_CERT_FILE"]+"}\n", 1))
}

// refuses tries a pod that may do everything.
func (n *node) refuses(t *testing.T) {
	t.Helper()
	out, err := n.try("kubectl -n rekey run mighty --image registry.example.com/rekey:v0.2.0 --privileged")
	if err == nil || !strings.Contains(out, `violates PodSecurity "restricted:latest"`) {
		t.Errorf("a privileged pod: %v, %s", err, out)
	}
}

// forwarded does something while the Service of the starter is forwarded.
func (n *node) forwarded(t *testing.T, do func(starter string)) {
	t.Helper()
	p := process.Start(t, filepath.Join(n.bin, "kubectl"), []string{"KUBECONFIG=" + n.dir + "/kubeconfig"},
		"-n", "rekey", "port-forward", "service/rekey-starter", "8080:80", "--address", n.address("starter"))
	p.Await(t, p.Out, "Forwarding from")
	do("http://" + n.address("starter") + ":8080")
	p.Kill(t)
}

// options holds what the chart makes to the API server, with the kinds of others that it uses.
func (n *node) options(t *testing.T) {
	t.Helper()
	for name, option := range options {
		n.write(t, "work/option.yaml", option.values)
		n.shell(t, "helm lint --strict deploy/helm -f option.yaml; helm3 lint --strict deploy/helm -f option.yaml")
		for _, helm := range []string{"helm", "helm3"} {
			out := n.shell(t, helm+" template rekey deploy/helm -n rekey -f option.yaml | kubectl apply --dry-run=server --validate=strict -f -")
			if !strings.Contains(strings.ToLower(strings.ReplaceAll(out, "/", " ")), strings.ToLower(strings.Fields(option.object)[1])) {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
}

// upgrades changes image and setting under an open reset. The jobs of the first revision are gone, pods
// have the new setting, and the link of the old ones works.
func (n *node) upgrades(t *testing.T, mails *inbox.Inbox, command string) {
	t.Helper()
	jobs := n.shell(t, "kubectl -n rekey get jobs -o name")
	pods := n.shell(t, "kubectl -n rekey get pods -o name -l app.kubernetes.io/component=starter")
	var token string
	n.forwarded(t, func(starter string) { token = ask(t, starter, "bob@example.com", mails) })
	begin := time.Now()
	n.shell(t, strings.TrimSpace(command)+" --set settings.site.REKEY_PRODUCT=Anchor --set image.tag=v0.2.1 --wait --timeout 5m")
	t.Logf("upgrade with Helm: %s", time.Since(begin).Round(time.Second/10))
	for job := range strings.FieldsSeq(jobs) {
		if strings.Contains(n.shell(t, "kubectl -n rekey get jobs -o name"), job) {
			t.Errorf("%s is still there", job)
		}
	}
	if next := n.shell(t, "kubectl -n rekey get pods -o name -l app.kubernetes.io/component=starter"); next == pods {
		t.Errorf("the pods stay: %s", next)
	}
	n.forwarded(t, func(starter string) { choose(t, starter, token) })
	got, err := mails.Wait(t.Context(), "bob@example.com", 2)
	if err != nil || !strings.Contains(got[1].Text, "Anchor") {
		t.Errorf("the notice: %v %v", err, got)
	}
}
