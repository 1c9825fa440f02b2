package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const manifests = root + "/deploy/kubernetes"

// cluster is objects, as an API server has them.
type cluster struct {
	objects  map[string]metav1.Object          // by kind and name
	pods     map[string]corev1.PodTemplateSpec // by component
	replaced map[string]appsv1.DeploymentStrategyType
	configs  map[string]map[string]string
	services []*corev1.Service
	policies []*networkingv1.NetworkPolicy
	budgets  []*policyv1.PodDisruptionBudget
	scaled   []*autoscalingv2.HorizontalPodAutoscaler
	jobs     []string
}

// overlay is a kustomization of an operator over the folder.
const overlay = "resources: [../base]\n"

// kustomized is the objects of a kustomization, as Kustomize makes them. The pairs are passages
// and a test's replacements, in all files.
func kustomized(t *testing.T, own string, pairs ...string) (*cluster, error) {
	t.Helper()
	memory, files, hit := filesys.MakeFsInMemory(), os.DirFS(manifests), len(pairs) == 0
	err := fs.WalkDir(files, ".", func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		text := string(b)
		for pair := range slices.Chunk(pairs, 2) {
			hit = hit || strings.Contains(text, pair[0])
			text = strings.ReplaceAll(text, pair[0], pair[1])
		}
		return memory.WriteFile("/base/"+path, []byte(text))
	})
	if err = errors.Join(err, memory.WriteFile("/own/kustomization.yaml", []byte(own))); err != nil {
		t.Fatal(err)
	}
	if !hit {
		t.Errorf("no manifest has %q", pairs[0])
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, "/own")
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, r := range made.Resources() {
		texts = append(texts, r.MustYaml())
	}
	return decoded(texts)
}

// kinds decodes objects as strictly as an API server that was asked to: a field that is unknown,
// or there twice, is an error.
var kinds = sync.OnceValues(func() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(
		appsv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme,
		corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	)
	err := builder.AddToScheme(scheme)
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(), err
})

func decoded(texts []string) (*cluster, error) {
	c := &cluster{
		objects: map[string]metav1.Object{}, pods: map[string]corev1.PodTemplateSpec{},
		replaced: map[string]appsv1.DeploymentStrategyType{}, configs: map[string]map[string]string{},
	}
	for _, text := range texts {
		if err := c.decode([]byte(text)); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, text)
		}
	}
	return c, nil
}

func (c *cluster) decode(text []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}
	if object := foreign(kind); object != nil {
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			return err
		}
		return c.add(kind.Kind, object)
	}
	decoder, err := kinds()
	if err != nil {
		return err
	}
	object, _, err := decoder.Decode(text, nil, nil)
	if err != nil {
		return err
	}
	return c.add(kind.Kind, object.(metav1.Object))
}

// add keeps an object where the rules look for it. There is no place for a Secret: a manifest
// names secrets and holds none.
func (c *cluster) add(kind string, object metav1.Object) error {
	if c.objects[kind+" "+object.GetName()] != nil {
		return fmt.Errorf("%s %s is there twice", kind, object.GetName())
	}
	c.objects[kind+" "+object.GetName()] = object
	switch o := object.(type) {
	case *corev1.ConfigMap:
		c.configs[o.Name] = o.Data
	case *corev1.Service:
		c.services = append(c.services, o)
	case *appsv1.Deployment:
		name := o.Spec.Selector.MatchLabels[component]
		c.pods[name], c.replaced[name] = o.Spec.Template, o.Spec.Strategy.Type
	case *batchv1.Job:
		name := o.Spec.Template.Labels[component]
		c.pods[name], c.jobs = o.Spec.Template, append(c.jobs, name)
	case *networkingv1.NetworkPolicy:
		c.policies = append(c.policies, o)
	case *policyv1.PodDisruptionBudget:
		c.budgets = append(c.budgets, o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		c.scaled = append(c.scaled, o)
	case *corev1.Namespace, *networkingv1.Ingress, *serviceMonitor, *httpRoute:
	default:
		return fmt.Errorf("no place for a %s", kind)
	}
	return nil
}

const component = "app.kubernetes.io/component"

func TestManifestsKeepTheRules(t *testing.T) {
	t.Parallel()
	c, err := kustomized(t, overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.problems(t) {
		t.Error(problem)
	}
	if got := slices.Sorted(maps.Keys(c.pods)); !slices.Equal(got, []string{"codec", "migrate", "setup", "starter", "worker"}) || c.objects["Namespace rekey"] == nil {
		t.Errorf("pods: %v, of %d objects", got, len(c.objects))
	}
}

// A manifest with a field that Kubernetes does not know is no manifest, nor is one with a secret.
func TestManifestsAreDecodedStrictly(t *testing.T) {
	t.Parallel()
	for old, broken := range map[string]string{
		"readOnlyRootFilesystem:": "readOnlyRoot:", "whenUnsatisfiable:": "whenUnsatisfied:", "podSelector: {}": "podSelectors: {}",
		"kind: ConfigMap": "kind: Secret", "minReplicas:": "replicas:",
	} {
		if _, err := kustomized(t, overlay, old, broken); err == nil {
			t.Errorf("%s in place of %s is taken", broken, old)
		}
	}
}

// With the component a worker has the settings, the secrets and the way that an application takes.
func TestManifestsForAnApplication(t *testing.T) {
	t.Parallel()
	own := overlay + "components: [../base/application]\n"
	c, err := kustomized(t, own)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.problems(t) {
		t.Error(problem)
	}
	env := c.env(c.pods["worker"].Spec.Containers[0])
	for _, secret := range []struct{ read, next string }{{"REKEY_SMTP_", "--events-secret-file"}, {"REKEY_EVENTS_", "--users-secret-file"}} {
		maps.DeleteFunc(env, func(name, _ string) bool { return strings.HasPrefix(name, secret.read) && name != "REKEY_SMTP_HOST" })
		readsSecret(t, env, secret.next)
	}
	for _, broken := range []struct{ old, new, want string }{
		{"  - network.yaml\npatches", "patches", "worker: cannot reach 443"},
		{"kind: Component\nnamespace: rekey\n", "kind: Component\n", "ConfigMap rekey-application: is in the namespace"},
		{"REKEY_EVENTS_URL:", "REKEY_EVENT_URL:", "rekey worker does not know REKEY_EVENT_URL"},
		{"defaultMode: 0440}}}", "defaultMode: 0444}}}", "worker: secret rekey-application can be read by others"},
	} {
		c, err := kustomized(t, own, broken.old, broken.new)
		if err != nil {
			t.Fatal(err)
		}
		if found := c.problems(t); !slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, broken.want) }) {
			t.Errorf("%q for %q: found %q, want %q", broken.new, broken.old, found, broken.want)
		}
	}
}

// With the component backends reach a port of their own at the starter, by a Service that no pages
// are behind.
func TestManifestsForBackends(t *testing.T) {
	t.Parallel()
	own := overlay + "components: [../base/backends]\n"
	c, err := kustomized(t, own)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.problems(t) {
		t.Error(problem)
	}
	for name, port := range map[string]string{"rekey-backends": "backends", "rekey-starter": "http"} {
		s, ok := c.objects["Service "+name].(*corev1.Service)
		if !ok || len(s.Spec.Ports) != 1 || s.Spec.Ports[0].TargetPort.StrVal != port {
			t.Errorf("Service %s leads to %v, want %s", name, s, port)
		}
	}
	for _, broken := range []struct{ old, new, want string }{
		{`value: ":8443"`, `value: ":8442"`, "starter: listens at :8442, its port backends is 8443"},
		{"REKEY_BACKENDS_TLS_KEY:", "REKEY_BACKENDS_KEY:", "rekey starter does not know REKEY_BACKENDS_KEY"},
		{"defaultMode: 0440}}}", "defaultMode: 0444}}}", "starter: secret rekey-backends can be read by others"},
	} {
		c, err := kustomized(t, own, broken.old, broken.new)
		if err != nil {
			t.Fatal(err)
		}
		if found := c.problems(t); !slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, broken.want) }) {
			t.Errorf("%q for %q: found %q, want %q", broken.new, broken.old, found, broken.want)
		}
	}
}

func TestManifestRulesBite(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct{ old, new, want string }{
		{"pod-security.kubernetes.io/enforce: restricted", "pod-security.kubernetes.io/enforce: baseline", "the namespace is not restricted"},
		{"newTag: v0.2.0", "newTag: latest", "worker: image"},
		{"runAsNonRoot: true", "runAsNonRoot: false", "worker: is not restricted: runAsNonRoot != true"},
		{"runAsUser: 65532", "runAsUser: 0", "setup: is not restricted: runAsUser=0"},
		{"seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: Unconfined}", "worker: is not restricted: seccompProfile"},
		{"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "codec: is not restricted: allowPrivilegeEscalation != false"},
		{"allowPrivilegeEscalation: false", "privileged: true", "starter: is not restricted: privileged"},
		{"enableServiceLinks: false", "hostNetwork: true", "migrate: is not restricted: host namespaces"},
		{"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "codec: its root can be written"},
		{"capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [NET_RAW]}", "codec: is not restricted: unrestricted capabilities"},
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
		{"ports: [{port: 587}]", "ports: [{port: 587}, {port: 443}]", "worker: may reach"},
		{"ports: [{port: 7233}]", "ports: [{port: 7234}]", "starter: cannot reach 7233"},
		{"  egress:\n    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: temporal}}}]\n      ports: [{port: 7233}]\n---", "  egress:\n    - {}\n---", "starter: may reach everything"},
		{"maxUnavailable: 1\n", "maxUnavailable: 2\n", "worker: too many may be away"},
		{"  minReplicas: 2", "  minReplicas: 1", "starter: one can be all there are"},
		{"targetPort: http", "targetPort: web", "starter: its service leads to no port"},
	} {
		c, err := kustomized(t, overlay, broken.old, broken.new)
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

var pinnedImage = regexp.MustCompile(`(:v\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$`)

// selects reports that a selector finds a pod.
func selects(selector map[string]string, pod corev1.PodTemplateSpec) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels))
}
