package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

const chart = root + "/deploy/helm"

// rendered is the objects of the chart as a release rekey in the namespace rekey, with values of
// an operator over its own.
func rendered(t *testing.T, values string) (*cluster, error) {
	t.Helper()
	return renderedAs(t, "rekey", values)
}

func renderedAs(t *testing.T, release, values string) (*cluster, error) {
	t.Helper()
	files, err := renderedFiles(t, release, values, 1)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for text := range strings.SplitSeq(files[name], "\n---\n") {
			if strings.TrimSpace(text) != "" && strings.HasSuffix(name, ".yaml") {
				texts = append(texts, text)
			}
		}
	}
	return decoded(texts)
}

func renderedFiles(t *testing.T, name, values string, revision int) (map[string]string, error) {
	t.Helper()
	c, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: name, Namespace: "rekey", Revision: revision, IsInstall: true}
	all, err := util.ToRenderValues(c, parsed(t, values), release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

func parsed(t *testing.T, values string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(values), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// With its own values the chart makes the objects of the kustomization. So does each component
// with the values that take its place.
func TestChartIsTheKustomization(t *testing.T) {
	t.Parallel()
	for own, values := range map[string]string{
		overlay: "",
		overlay + "components: [../base/xoauth2]\n": `
settings:
  mail:
    REKEY_SMTP_HOST: smtp.office365.com
    REKEY_SMTP_USERNAME: no-reply@example.com
    REKEY_SMTP_PASSWORD_FILE: ""
    REKEY_SMTP_OAUTH_TOKEN_URL: https://login.microsoftonline.com/TENANT/oauth2/v2.0/token
    REKEY_SMTP_OAUTH_CLIENT_ID: 00000000-0000-0000-0000-000000000000
    REKEY_SMTP_OAUTH_SCOPE: https://outlook.office365.com/.default
    REKEY_SMTP_OAUTH_SECRET_FILE: /secrets/smtp/oauth-secret`,
		overlay + "components: [../base/application]\n": application,
		overlay + "components: [../base/backends]\n":    backends,
	} {
		plain, err := kustomized(t, own)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rendered(t, values)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(leveled(t, plain), leveled(t, c)); diff != "" {
			t.Errorf("%s (-kustomization +chart):\n%s", own, diff)
		}
	}
}

const backends = `
settings:
  backends:
    REKEY_BACKENDS_TOKEN_FILE: /secrets/backends/tokens
    REKEY_BACKENDS_TLS_CERT: /secrets/backends/tls.crt
    REKEY_BACKENDS_TLS_KEY: /secrets/backends/tls.key
    REKEY_BACKENDS_CLIENT_CA: /secrets/backends/client-ca.crt`

const application = `
settings:
  application:
    REKEY_USERS_URL: https://app.example.com/rekey
    REKEY_USERS_SECRET_FILE: /secrets/application/users
    REKEY_EVENTS_URL: https://app.example.com/rekey/events
    REKEY_EVENTS_SECRET_FILE: /secrets/application/events`

var hashed = regexp.MustCompile(`-[0-9a-f]{8}$`)

// leveled is the objects without all that distinguishes the two ways. The chart has no Namespace.
// It adds labels, the sum of the settings, and the sum in the name of a job. It denies the
// connections of its own pods only, and its policies have the name of the release in front. Where
// the kustomization has two policies of the worker, it has one.
func leveled(t *testing.T, c *cluster) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, o := range c.objects {
		if name == "Namespace rekey" {
			continue
		}
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		kind, name, _ := strings.Cut(name, " ")
		name = strings.TrimPrefix(hashed.ReplaceAllString(name, ""), "rekey-")
		meta := fields["metadata"].(map[string]any)
		meta["name"] = name
		bared(fields)
		if kind == "NetworkPolicy" {
			if name == "default-deny" || name == "dns" {
				fields["spec"].(map[string]any)["podSelector"] = nil
			}
			if strings.HasPrefix(name, "worker-") {
				continue
			}
			if name == "worker" {
				fields["spec"].(map[string]any)["egress"] = workerEgress(c)
			}
		}
		all[kind+" "+name] = fields
	}
	return all
}

func workerEgress(c *cluster) (rules []networkingv1.NetworkPolicyEgressRule) {
	for _, name := range []string{"worker", "rekey-worker", "worker-application", "worker-token-endpoint"} {
		if p, ok := c.objects["NetworkPolicy "+name].(*networkingv1.NetworkPolicy); ok {
			rules = append(rules, p.Spec.Egress...)
		}
	}
	return rules
}

// bared removes what Helm adds, at every depth, and the order of an environment.
func bared(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range []string{"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart", "checksum/settings", "creationTimestamp"} {
			delete(v, name)
		}
		if meta, ok := v["metadata"].(map[string]any); ok {
			delete(meta, "annotations")
			if v["kind"] != nil {
				delete(meta, "labels")
			}
		}
		if env, ok := v["env"].([]any); ok {
			slices.SortFunc(env, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		if v["env"] != nil && len(v["env"].([]any)) == 0 {
			delete(v, "env")
		}
		for _, inner := range v {
			bared(inner)
		}
	case []any:
		for _, inner := range v {
			bared(inner)
		}
	}
}

// options are values of an operator, each with an object that it makes.
var options = map[string]struct{ values, object string }{
	"none": {"", "HorizontalPodAutoscaler rekey-starter"},
	"an operator's own image, labels and places": {`
image: {repository: ghcr.io/you/rekey, digest: "sha256:` + strings.Repeat("0a", 32) + `", pullPolicy: Always, pullSecrets: [registry]}
pod: {annotations: {example.com/team: a}, nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: high,
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}}
`, "Deployment rekey-worker"},
	"application": {application, "ConfigMap rekey-application"},
	"backends":    {backends, "NetworkPolicy rekey-starter-backends"},
	"database of users": {`
settings: {application: {REKEY_USERS_URL: "mysql://reset@db.example.com:3306/shop", REKEY_USERS_SECRET_FILE: /secrets/application/users}}
networkPolicy: {application: {port: 3306, to: [{ipBlock: {cidr: 10.0.0.0/8}}]}}`, "ConfigMap rekey-application"},
	"Temporal Cloud": {`
secrets: {temporalAPIKey: {name: rekey-cloud}}
settings: {temporal: {TEMPORAL_ADDRESS: "eu-west-1.aws.api.temporal.io:7233", TEMPORAL_NAMESPACE: you.a1b2c}}
networkPolicy: {temporal: {to: [{ipBlock: {cidr: 0.0.0.0/0}}]}}`, "ConfigMap rekey-temporal"},
	"no scaling": {"starter: {replicas: 3, autoscaling: {enabled: false}}", "Deployment rekey-starter"},
	"no codec":   {"codec: {enabled: false}", "Deployment rekey-starter"},
	"breached passwords, an issuer, traces": {`
settings:
  all: {REKEY_LOG_LEVEL: debug, OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.monitoring:4318"}
  starter: {REKEY_BREACHED_URL: "https://api.pwnedpasswords.com/range", REKEY_START_LIMIT: 1000000}
  codec: {REKEY_OIDC_ISSUER: "https://id.example.com", REKEY_OIDC_AUDIENCE: temporal}
networkPolicy:
  extraEgress:
    starter: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]
    codec: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]`, "Deployment rekey-codec"},
	"templates": {"worker: {templates: mails}", "Deployment rekey-worker"},
	"look":      {"{brand: look, messages: texts, starter: {pages: ours}}", "Deployment rekey-starter"},
	"ingress": {`
starter: {ingress: {enabled: true, className: nginx, annotations: {cert-manager.io/cluster-issuer: letsencrypt}, tlsSecret: accounts-tls}}
codec: {host: codec.example.com, ingress: {enabled: true}}`, "Ingress rekey-codec"},
	"gateway": {`
starter: {httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateway, sectionName: https}]}}`, "HTTPRoute rekey-starter"},
	"monitoring": {"serviceMonitor: {enabled: true, interval: 15s, labels: {release: prometheus}}", "ServiceMonitor rekey-ops"},
}

// Every option of the chart keeps the rules of the manifests.
func TestChartKeepsTheRules(t *testing.T) {
	t.Parallel()
	for name, option := range options {
		c, err := rendered(t, option.values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, problem := range append(c.problems(t), c.unreached()...) {
			t.Errorf("%s: %s", name, problem)
		}
		if c.objects[option.object] == nil {
			t.Errorf("%s: no %s in %v", name, option.object, slices.Sorted(maps.Keys(c.objects)))
		}
	}
	looks, err := rendered(t, options["look"].values)
	if err != nil {
		t.Fatal(err)
	}
	for pod, want := range map[string]map[string]string{
		"starter": {"REKEY_BRAND": "/brand", "REKEY_MESSAGES": "/messages", "REKEY_PAGES": "/pages"},
		"worker":  {"REKEY_BRAND": "/brand", "REKEY_MESSAGES": "/messages", "REKEY_PAGES": ""},
	} {
		env := looks.env(looks.pods[pod].Spec.Containers[0])
		for name, path := range want {
			if env[name] != path {
				t.Errorf("%s: %s is %q, want %q", pod, name, env[name], path)
			}
		}
	}
	traced, err := rendered(t, options["breached passwords, an issuer, traces"].values)
	if err != nil {
		t.Fatal(err)
	}
	if env := traced.env(traced.pods["starter"].Spec.Containers[0]); env["REKEY_START_LIMIT"] != "1000000" || env["REKEY_LOG_LEVEL"] != "debug" {
		t.Errorf("the starter has the settings %v", env)
	}
	without, err := rendered(t, "networkPolicy: {enabled: false}\npodDisruptionBudget: {enabled: false}\nstarter: {autoscaling: {enabled: false}}\ncodec: {enabled: false}\n")
	if err != nil || len(without.objects) != 9 {
		t.Errorf("without its options the chart has %d objects: %v", len(without.objects), err)
	}
}

// unreached are ways that lead to no service of the cluster.
func (c *cluster) unreached() (found []string) {
	for name, o := range c.objects {
		switch o := o.(type) {
		case *networkingv1.Ingress:
			backend := o.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			if c.objects["Service "+backend.Name] == nil || backend.Port.Name != "http" || o.Spec.Rules[0].Host == "" {
				found = append(found, name+" leads nowhere")
			}
		case *httpRoute:
			if c.objects["Service "+o.Spec.Rules[0].BackendRefs[0].Name] == nil || o.Spec.Rules[0].BackendRefs[0].Port != 80 || o.Spec.Hostnames[0] == "" {
				found = append(found, name+" leads nowhere")
			}
		case *serviceMonitor:
			for _, s := range c.services {
				selector, err := metav1.LabelSelectorAsSelector(&o.Spec.Selector)
				if err == nil && selector.Matches(labels.Set(s.Labels)) && s.Spec.Ports[0].Name == o.Spec.Endpoints[0].Port {
					return found
				}
			}
			found = append(found, name+" finds no service")
		}
	}
	return found
}

// A value that the chart does not know is refused with its name, at every depth, and so is a secret.
func TestChartRefusesValues(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{
		"imgae: {}":                                                             "'imgae' not allowed",
		"image: {tags: v1}":                                                     "'tags' not allowed",
		"settings: {site: {REKEY_BASE_URI: a}}":                                 "'REKEY_BASE_URI' not allowed",
		"settings: {site: {REKEY_BASE_URL: null}}":                              "missing property 'REKEY_BASE_URL'",
		"settings: {mail: {REKEY_SMTP_PASSWORD: a}}":                            "'REKEY_SMTP_PASSWORD' not allowed",
		"settings: {temporal: {TEMPORAL_API_KEY: a}}":                           "'TEMPORAL_API_KEY' not allowed",
		"settings: {temporal: {TEMPORAL_TLS_CLIENT_KEY_DATA: a}}":               "'TEMPORAL_TLS_CLIENT_KEY_DATA' not allowed",
		"settings: {all: {OTEL_EXPORTER_OTLP_HEADERS: a}}":                      "OTEL_EXPORTER_OTLP_HEADERS",
		"settings: {store: {REKEY_STORE: 'postgres://rekey:secret@db:5432/a'}}": "/settings/store/REKEY_STORE",
		"starter: {autoscaling: {minReplica: 1}}":                               "'minReplica' not allowed",
		"networkPolicy: {database: {to: []}}":                                   "/networkPolicy/database/to",
		"codec: {ingress: {enabled: true}}":                                     "codec.host: name the host",
		"image: {digest: sha256:abc}":                                           "/image/digest",
	} {
		if _, err := rendered(t, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", values, err, want)
		}
	}
}

// No object of the schema takes a name that it does not list.
func TestChartSchemaIsClosed(t *testing.T) {
	t.Parallel()
	var schema any
	if err := json.Unmarshal([]byte(replaced(t, filepath.Join(chart, "values.schema.json"), nil)), &schema); err != nil {
		t.Fatal(err)
	}
	closed := 0
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
				closed++
				if v["additionalProperties"] != false {
					t.Errorf("%s takes any name", path)
				}
			}
			for name, inner := range v {
				walk(path+"/"+name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path, inner)
			}
		}
	}
	walk("", schema)
	if closed < 30 {
		t.Errorf("%d objects have properties", closed)
	}
}

// Every setting of the product is a value of the chart, for the processes that know it and for no
// other. The chart sets the rest itself.
func TestChartHasEverySetting(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Settings struct {
				Properties map[string]struct {
					Properties map[string]any `json:"properties"`
				} `json:"properties"`
			} `json:"settings"`
		} `json:"properties"`
	}
	if err := json.Unmarshal([]byte(replaced(t, filepath.Join(chart, "values.schema.json"), nil)), &schema); err != nil {
		t.Fatal(err)
	}
	given := map[string][]string{
		"worker": {"temporal", "site", "store", "mail", "application", "worker", "all"}, "starter": {"temporal", "site", "starter", "backends", "all"},
		"codec": {"codec", "all"}, "setup": {"temporal", "all"}, "migrate": {"store", "all"},
	}
	// A namespace of a Temporal that is there is not the chart's to create.
	itself := []string{"REKEY_RETENTION", "REKEY_KEYS", "REKEY_LISTEN", "REKEY_CODEC_LISTEN", "REKEY_BACKENDS_LISTEN", "REKEY_OPS_LISTEN", "REKEY_TEMPLATES", "REKEY_MESSAGES", "REKEY_BRAND", "REKEY_PAGES"}
	for command, parts := range given {
		known, has := settings(t, command), map[string]bool{}
		for _, part := range parts {
			for name := range schema.Properties.Settings.Properties[part].Properties {
				has[name] = true
				if _, ok := known[name]; !ok && strings.HasPrefix(name, "REKEY_") {
					t.Errorf("settings.%s has %s, which rekey %s does not know", part, name, command)
				}
			}
		}
		for name := range known {
			if !has[name] && !slices.Contains(itself, name) && command != "codec" && command != "migrate" {
				t.Errorf("no value of the chart is %s of rekey %s", name, command)
			}
		}
	}
}

// Helm's own judgement of the chart.
func TestChartIsLinted(t *testing.T) {
	t.Parallel()
	for name, option := range options {
		result := lint.RunAll(chart, parsed(t, option.values), "rekey")
		for _, m := range result.Messages {
			if m.Severity > 1 {
				t.Errorf("%s: %v", name, m)
			}
		}
		if len(result.Messages) > 1 { // it has no icon
			t.Errorf("%s: %v", name, result.Messages)
		}
	}
}

// Two releases in one namespace share no object, no pod and no ConfigMap.
func TestChartOfTwoReleases(t *testing.T) {
	t.Parallel()
	c, err := renderedAs(t, "second", "serviceMonitor: {enabled: true}")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range c.objects {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(?:matchLabels|selector)":(\{[^{}]*\})`).FindAllStringSubmatch(string(b), -1) {
			if strings.Contains(m[1], `"app.kubernetes.io/name"`) && !strings.Contains(m[1], `"app.kubernetes.io/instance":"second"`) {
				t.Errorf("%s: %s finds pods of other releases", name, m[1])
			}
		}
		if !strings.HasPrefix(o.GetName(), "second-") || strings.Contains(string(b), `"configMapRef":{"name":"rekey`) {
			t.Errorf("%s belongs to every release", name)
		}
	}
}

// A job cannot be changed, so each revision has jobs of its own. Pods are replaced when a setting
// has changed, and stay when none has.
func TestChartUpgrades(t *testing.T) {
	t.Parallel()
	names := func(values string, revision int) (job, sum string) {
		files, err := renderedFiles(t, "rekey", values, revision)
		if err != nil {
			t.Fatal(err)
		}
		job = regexp.MustCompile(`rekey-migrate-[0-9a-f]{8}`).FindString(files["rekey/templates/jobs.yaml"])
		sum = regexp.MustCompile(`checksum/settings: [0-9a-f]{64}`).FindString(files["rekey/templates/worker.yaml"])
		return job, sum
	}
	job, sum := names("", 1)
	if next, same := names("", 2); next == job || same != sum || job == "" || sum == "" {
		t.Errorf("revision 2 has the job %s and the sum %s, revision 1 %s and %s", next, same, job, sum)
	}
	if next, other := names("settings: {site: {REKEY_PRODUCT: Anchor}}", 1); next == job || other == sum {
		t.Errorf("with another setting: the job %s and the sum %s", next, other)
	}
}

// The chart, the program that it installs and the manifests are of one release.
func TestChartIsOfTheRelease(t *testing.T) {
	t.Parallel()
	c, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	if version := c.Metadata.AppVersion; version != "v"+c.Metadata.Version || !strings.Contains(replaced(t, filepath.Join(manifests, "kustomization.yaml"), nil), "newTag: "+version+"\n") {
		t.Errorf("chart %s installs %s", c.Metadata.Version, version)
	}
}
