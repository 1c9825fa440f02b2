package deploy

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// problems are the findings of the rules in the manifests.
func (c *cluster) problems(t *testing.T) []string {
	t.Helper()
	var found []string
	for name, o := range c.objects {
		switch n, ok := o.(*corev1.Namespace); {
		case ok && n.Labels["pod-security.kubernetes.io/enforce"] != "restricted":
			found = append(found, "the namespace is not restricted")
		case !ok && o.GetNamespace() != "rekey":
			found = append(found, fmt.Sprintf("%s: is in the namespace %q", name, o.GetNamespace()))
		}
	}
	if !slices.ContainsFunc(c.policies, deniesAll) {
		found = append(found, "nothing is denied by default")
	}
	for _, name := range slices.Sorted(maps.Keys(c.pods)) {
		pod := c.pods[name]
		container := pod.Spec.Containers[0]
		for _, problem := range []string{
			restricted(pod), confined(pod.Spec, container), probed(c.jobs, name, container), c.listens(container), ends(c.jobs, name, pod.Spec),
			onlyKeys(name, pod.Spec), private(pod.Spec), c.policed(name, pod), c.served(name, pod), c.kept(name, pod), c.alone(name),
		} {
			if problem != "" {
				found = append(found, name+": "+problem)
			}
		}
		found = append(found, misfits(t, container.Args, c.env(container))...)
	}
	return found
}

// restricted is Kubernetes' own judgement of a pod by the standard of that name (Pod Security
// Standards), of its newest version.
func restricted(pod corev1.PodTemplateSpec) string {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err.Error()
	}
	standard := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(standard, &pod.ObjectMeta, &pod.Spec))
	if !result.Allowed {
		return "is not restricted: " + result.ForbiddenDetail()
	}
	return ""
}

// confined is more than the standard: a read-only root, no token of the API, a bound of memory,
// and an image that stays the same.
func confined(pod corev1.PodSpec, container corev1.Container) string {
	own := container.SecurityContext
	switch {
	case !pinnedImage.MatchString(container.Image):
		return fmt.Sprintf("image %s is not pinned", container.Image)
	case own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem:
		return "its root can be written"
	case len(pod.Containers) != 1 || len(pod.InitContainers) > 0:
		return "is more than one container"
	case pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		return "is given a token of the API"
	case container.Resources.Limits.Memory().IsZero():
		return "has no limit of memory"
	}
	return ""
}

// probed wants probes of life and readiness for every process that stays.
func probed(jobs []string, name string, container corev1.Container) string {
	if slices.Contains(jobs, name) {
		return ""
	}
	for path, probe := range map[string]*corev1.Probe{"/livez": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port != intstr.FromString("ops") {
			return "is not asked at " + path
		}
	}
	return ""
}

// listens compares the addresses in the settings with the ports of the container.
func (c *cluster) listens(container corev1.Container) string {
	env := c.env(container)
	for _, port := range container.Ports {
		for _, name := range map[string][]string{"ops": {"REKEY_OPS_LISTEN"}, "http": {"REKEY_LISTEN", "REKEY_CODEC_LISTEN"}, "backends": {"REKEY_BACKENDS_LISTEN"}}[port.Name] {
			if at, ok := env[name]; ok && at != fmt.Sprintf(":%d", port.ContainerPort) {
				return fmt.Sprintf("listens at %s, its port %s is %d", at, port.Name, port.ContainerPort)
			}
		}
	}
	return ""
}

// ends wants more time than a worker or a starter takes to stop. This is 5 s before the signal
// and 30 s or some more of drain.
func ends(jobs []string, name string, pod corev1.PodSpec) string {
	if slices.Contains(jobs, name) || pod.TerminationGracePeriodSeconds != nil && *pod.TerminationGracePeriodSeconds >= 60 {
		return ""
	}
	return "is killed before it has ended"
}

// onlyKeys compares the keysets that a pod mounts with the table in docs/design.md.
func onlyKeys(name string, pod corev1.PodSpec) string {
	var given []string
	for _, v := range pod.Volumes {
		if v.Secret == nil || v.Secret.SecretName != "rekey-keys" {
			continue
		}
		if len(v.Secret.Items) == 0 {
			return "is given the keys of all"
		}
		for _, item := range v.Secret.Items {
			given = append(given, "/keys/"+item.Path)
		}
	}
	slices.Sort(given)
	if got := strings.Join(given, " "); got != readBy[name] {
		return fmt.Sprintf("is given the keys %s, want %s", got, readBy[name])
	}
	return ""
}

// private wants every volume to be a secret that its group alone may read, since rekey refuses
// keysets that others may, or a ConfigMap.
func private(pod corev1.PodSpec) string {
	for _, v := range pod.Volumes {
		switch {
		case v.ConfigMap != nil:
		case v.Secret == nil:
			return v.Name + " is no secret"
		case v.Secret.DefaultMode == nil || *v.Secret.DefaultMode != 0o440:
			return fmt.Sprintf("secret %s can be read by others", v.Secret.SecretName)
		}
	}
	if pod.SecurityContext.FSGroup == nil {
		return "its secrets belong to another group"
	}
	return ""
}

// deniesAll reports that a policy leaves no pod a connection: none of all, or none of rekey.
func deniesAll(p *networkingv1.NetworkPolicy) bool {
	_, some := p.Spec.PodSelector.MatchLabels[component]
	return !some && len(p.Spec.Ingress) == 0 && len(p.Spec.Egress) == 0 && len(p.Spec.PolicyTypes) == 2
}

// policed wants policies for the pod alone, which let out its calls and no more.
func (c *cluster) policed(name string, pod corev1.PodTemplateSpec) string {
	var got []int
	own := false
	for _, p := range c.policies {
		if p.Spec.PodSelector.MatchLabels[component] == name && selects(p.Spec.PodSelector.MatchLabels, pod) {
			own, got = true, append(got, outlets(p)...)
		}
	}
	if !own {
		return "no policy of its own"
	}
	return compared(calls(c.env(pod.Spec.Containers[0])), got)
}

// calls are the ports that a process with these settings calls.
func calls(env map[string]string) []int {
	found := map[int]bool{}
	_, temporal, _ := strings.Cut(env["TEMPORAL_ADDRESS"], ":")
	for _, text := range []string{temporal, env["REKEY_SMTP_PORT"]} {
		if port, err := strconv.Atoi(text); err == nil {
			found[port] = true
		}
	}
	usual := map[string]int{"https": 443, "postgres": 5432, "mysql": 3306}
	for _, name := range []string{"REKEY_STORE", "REKEY_USERS_URL", "REKEY_EVENTS_URL", "REKEY_SMTP_OAUTH_TOKEN_URL", "REKEY_BREACHED_URL", "REKEY_OIDC_ISSUER"} {
		u, err := url.Parse(env[name])
		if err != nil || u.Host == "" {
			continue
		}
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			port = usual[u.Scheme]
		}
		found[port] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func compared(want, got []int) string {
	if slices.Contains(got, 0) {
		return "may reach everything"
	}
	for _, port := range want {
		if !slices.Contains(got, port) {
			return fmt.Sprintf("cannot reach %d", port)
		}
	}
	for _, port := range got {
		if !slices.Contains(want, port) {
			return fmt.Sprintf("may reach %v, calls %v", got, want)
		}
	}
	return ""
}

// outlets are the ports that a policy lets out to, 0 for a rule that names no port or no peer.
func outlets(p *networkingv1.NetworkPolicy) []int {
	var ports []int
	for _, rule := range p.Spec.Egress {
		if len(rule.Ports) == 0 || len(rule.To) == 0 {
			ports = append(ports, 0)
		}
		for _, port := range rule.Ports {
			ports = append(ports, port.Port.IntValue())
		}
	}
	return ports
}

// served wants a service's port to be one of the pods that it finds.
func (c *cluster) served(name string, pod corev1.PodTemplateSpec) string {
	for _, s := range c.services {
		if !selects(s.Spec.Selector, pod) || slices.Contains(c.jobs, name) {
			continue
		}
		named := func(p corev1.ContainerPort) bool { return p.Name == s.Spec.Ports[0].TargetPort.StrVal }
		if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, named) {
			return "its service leads to no port"
		}
		if s.Spec.Selector[component] == name {
			return ""
		}
	}
	if name == "starter" || name == "codec" {
		return "has no service"
	}
	return ""
}

// kept wants one of several to stay when a node is emptied.
func (c *cluster) kept(name string, pod corev1.PodTemplateSpec) string {
	if name != "worker" && name != "starter" {
		return ""
	}
	for _, h := range c.scaled {
		if h.Spec.ScaleTargetRef.Name == "rekey-"+name && *h.Spec.MinReplicas < 2 {
			return "one can be all there are"
		}
	}
	for _, b := range c.budgets {
		if selects(b.Spec.Selector.MatchLabels, pod) && b.Spec.MaxUnavailable.IntValue() == 1 {
			return ""
		}
	}
	return "too many may be away"
}

// alone wants unversioned workers to be of one build at a time.
func (c *cluster) alone(name string) string {
	if name == "worker" && c.replaced[name] != appsv1.RecreateDeploymentStrategyType {
		return "two builds of it may work at once"
	}
	return ""
}
