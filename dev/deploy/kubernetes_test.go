package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

const manifests = root + "/deploy/kubernetes"

// cluster is the objects of the manifests.
type cluster struct {
	pods     map[string]corev1.PodTemplateSpec // by component
	replaced map[string]appsv1.DeploymentStrategyType
	configs  map[string]map[string]string
	services []*corev1.Service
	policies []*networkingv1.NetworkPolicy
	budgets  []*policyv1.PodDisruptionBudget
	scaled   []*autoscalingv2.HorizontalPodAutoscaler
	jobs     []string
	confined bool // the namespace enforces the restricted standard
}

// kustomization is the used part of Kustomize's file.
type kustomization struct {
	metav1.TypeMeta `json:",inline"`
	Namespace       string   `json:"namespace"`
	Resources       []string `json:"resources"`
	Images          []struct {
		Name   string `json:"name"`
		NewTag string `json:"newTag"`
	} `json:"images"`
}

// apply decodes every object as strictly as an API server: an unknown field is an error. The
// pairs are passages and a test's replacements, in all files.
func apply(t *testing.T, pairs ...string) (*cluster, error) {
	t.Helper()
	var k kustomization
	if err := yaml.UnmarshalStrict([]byte(replaced(t, filepath.Join(manifests, "kustomization.yaml"), nil)), &k); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(k.Resources)+1 {
		t.Errorf("kustomization.yaml has %d files, the folder %d more", len(k.Resources), len(files)-len(k.Resources)-1)
	}
	c := &cluster{
		pods: map[string]corev1.PodTemplateSpec{}, replaced: map[string]appsv1.DeploymentStrategyType{},
		configs: map[string]map[string]string{},
	}
	hit := false
	for _, name := range k.Resources {
		text := replaced(t, filepath.Join(manifests, name), nil)
		for pair := range slices.Chunk(pairs, 2) {
			hit = hit || strings.Contains(text, pair[0])
			text = strings.ReplaceAll(text, pair[0], pair[1])
		}
		for object := range strings.SplitSeq(text, "\n---\n") {
			if err := c.add([]byte(object)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if len(pairs) > 0 && !hit {
		t.Errorf("no manifest has %q", pairs[0])
	}
	return c, nil
}

func (c *cluster) add(object []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(object, &kind); err != nil {
		return err
	}
	into, keep := c.place(kind)
	if into == nil {
		return fmt.Errorf("no place for a %s of %s", kind.Kind, kind.APIVersion)
	}
	if err := yaml.UnmarshalStrict(object, into); err != nil {
		return fmt.Errorf("%s: %w", kind.Kind, err)
	}
	keep()
	return nil
}

// place is an empty object of a kind, and how it is kept once it is filled. There is none for a
// Secret: a manifest names secrets and holds none.
func (c *cluster) place(kind metav1.TypeMeta) (into any, keep func()) {
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		o := &corev1.Namespace{}
		return o, func() { c.confined = o.Labels["pod-security.kubernetes.io/enforce"] == "restricted" }
	case "v1 ConfigMap":
		o := &corev1.ConfigMap{}
		return o, func() { c.configs[o.Name] = o.Data }
	case "v1 Service":
		o := &corev1.Service{}
		return o, func() { c.services = append(c.services, o) }
	case "apps/v1 Deployment":
		o := &appsv1.Deployment{}
		return o, func() {
			name := o.Spec.Selector.MatchLabels[component]
			c.pods[name], c.replaced[name] = o.Spec.Template, o.Spec.Strategy.Type
		}
	case "batch/v1 Job":
		o := &batchv1.Job{}
		return o, func() {
			name := o.Spec.Template.Labels[component]
			c.pods[name], c.jobs = o.Spec.Template, append(c.jobs, name)
		}
	case "networking.k8s.io/v1 NetworkPolicy":
		o := &networkingv1.NetworkPolicy{}
		return o, func() { c.policies = append(c.policies, o) }
	case "policy/v1 PodDisruptionBudget":
		o := &policyv1.PodDisruptionBudget{}
		return o, func() { c.budgets = append(c.budgets, o) }
	case "autoscaling/v2 HorizontalPodAutoscaler":
		o := &autoscalingv2.HorizontalPodAutoscaler{}
		return o, func() { c.scaled = append(c.scaled, o) }
	}
	return nil, nil
}

const component = "app.kubernetes.io/component"

func TestManifestsKeepTheRules(t *testing.T) {
	t.Parallel()
	c, err := apply(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.problems(t) {
		t.Error(problem)
	}
	if got := slices.Sorted(maps.Keys(c.pods)); !slices.Equal(got, []string{"codec", "migrate", "setup", "starter", "worker"}) {
		t.Errorf("pods: %v", got)
	}
}

// A manifest with a field that Kubernetes does not know is no manifest, nor is one with a secret.
func TestManifestsAreDecodedStrictly(t *testing.T) {
	t.Parallel()
	for old, broken := range map[string]string{
		"readOnlyRootFilesystem:": "readOnlyRoot:", "whenUnsatisfiable:": "whenUnsatisfied:", "podSelector: {}": "podSelectors: {}",
		"kind: ConfigMap": "kind: Secret", "minReplicas:": "replicas:",
	} {
		if _, err := apply(t, old, broken); err == nil {
			t.Errorf("%s in place of %s is taken", broken, old)
		}
	}
}

func TestManifestRulesBite(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct{ old, new, want string }{
		{"pod-security.kubernetes.io/enforce: restricted", "pod-security.kubernetes.io/enforce: baseline", "the namespace is not restricted"},
		{"registry.example.com/rekey:v0.2.0", "registry.example.com/rekey:latest", "worker: image"},
		{"runAsNonRoot: true", "runAsNonRoot: false", "worker: may be root"},
		{"runAsUser: 65532", "runAsUser: 0", "setup: may be root"},
		{"seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: Unconfined}", "worker: no seccomp profile"},
		{"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "codec: may gain privileges"},
		{"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "codec: its root can be written"},
		{"capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [NET_RAW]}", "codec: has capabilities"},
		{"automountServiceAccountToken: false", "automountServiceAccountToken: true", "starter: is given a token of the API"},
		{"limits: {memory: 512Mi}", "limits: {}", "worker: has no limit of memory"},
		{"httpGet: {path: /readyz, port: ops}", "httpGet: {path: /livez, port: ops}", "worker: is not asked at /readyz"},
		{"          livenessProbe:\n            httpGet: {path: /livez, port: ops}\n", "", "worker: is not asked at /livez"},
		{"- {name: ops, containerPort: 9090}", "- {name: ops, containerPort: 9091}", "worker: listens at :9090, its port ops is 9091"},
		{"terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "worker: is killed before it has ended"},
		{"strategy: {type: Recreate}", "strategy: {type: RollingUpdate}", "worker: two builds of it may work at once"},
		{"              - {key: submission.pub.json, path: submission.pub.json}", "              - {key: submission.json, path: submission.json}", "starter: is given the keys"},
		{"            items:\n              - {key: payload.json, path: payload.json}\n", "", "codec: is given the keys"},
		{"defaultMode: 0440", "defaultMode: 0444", "worker: secret rekey-keys can be read by others"},
		{"name: REKEY_OPS_LISTEN", "name: REKEY_OPS", "rekey worker does not know REKEY_OPS"},
		{"  REKEY_BASE_URL:", "  REKEY_URL:", "rekey starter needs REKEY_BASE_URL"},
		{"  podSelector: {}\n  policyTypes: [Ingress, Egress]", "  podSelector: {}\n  policyTypes: [Ingress]", "nothing is denied by default"},
		{"  name: migrate\nspec:\n  podSelector:\n    matchLabels: {app.kubernetes.io/name: rekey, app.kubernetes.io/component: migrate}", "  name: migrate\nspec:\n  podSelector:\n    matchLabels: {app.kubernetes.io/component: other}", "migrate: no policy of its own"},
		{"ports: [{port: 5432}]", "ports: [{port: 5433}]", "migrate: cannot reach 5432"},
		{"ports: [{port: 587}]", "ports: [{port: 25}]", "worker: cannot reach 587"},
		{"ports: [{port: 7233}]", "ports: [{port: 7234}]", "starter: cannot reach 7233"},
		{"  egress:\n    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: temporal}}}]\n      ports: [{port: 7233}]\n---", "  egress:\n    - {}\n---", "starter: may reach everything"},
		{"maxUnavailable: 1\n", "maxUnavailable: 2\n", "worker: too many may be away"},
		{"  minReplicas: 2", "  minReplicas: 1", "starter: one can be all there are"},
		{"targetPort: http", "targetPort: web", "starter: its service leads to no port"},
	} {
		c, err := apply(t, broken.old, broken.new)
		if err != nil {
			t.Errorf("%q: %v", broken.new, err)
			continue
		}
		found := c.problems(t)
		if !slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, broken.want) }) {
			t.Errorf("%q for %q: found %q, want %q", broken.new, broken.old, found, broken.want)
		}
	}
}

// env is the environment of a container, of the manifest and of ConfigMaps.
func (c *cluster) env(container corev1.Container) map[string]string {
	all := map[string]string{}
	for _, from := range container.EnvFrom {
		maps.Copy(all, c.configs[from.ConfigMapRef.Name])
	}
	for _, v := range container.Env {
		all[v.Name] = cmp.Or(v.Value, "a secret")
	}
	return all
}

var release = regexp.MustCompile(`:v\d+\.\d+\.\d+$`)

// selects reports that a selector finds a pod.
func selects(selector map[string]string, pod corev1.PodTemplateSpec) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels))
}
