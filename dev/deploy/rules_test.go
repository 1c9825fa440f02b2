package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// problems are the findings of the rules in the file.
func problems(t *testing.T, p *types.Project) []string {
	t.Helper()
	var found []string
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s := p.Services[name]
		for _, rule := range []func(types.ServiceConfig) string{
			pinned, onLoopback, unprivileged, limited, checked, waits, profiled, networked, fewKeys, replicated,
		} {
			if problem := rule(s); problem != "" {
				found = append(found, name+": "+problem)
			}
		}
	}
	for _, name := range []string{"store", "temporal", "codec"} {
		if !p.Networks[name].Internal {
			found = append(found, "network "+name+": is not internal")
		}
	}
	return append(found, apart(p)...)
}

// apart checks that a network that leads out is of one service, so that no other service is
// reached by it. Mail is sent by the workers, and to the inbox of the demo.
func apart(p *types.Project) (found []string) {
	members := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		for network := range p.Services[name].Networks {
			members[network] = append(members[network], name)
		}
	}
	for _, network := range slices.Sorted(maps.Keys(members)) {
		if !p.Networks[network].Internal && network != "mail" && len(members[network]) > 1 {
			found = append(found, fmt.Sprintf("network %s: is shared by %s", network, strings.Join(members[network], " and ")))
		}
	}
	return found
}

var exact = regexp.MustCompile(`^[a-z]+(/[a-z-]+)?:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$`)

// security 45: images are pinned to a release. Ours is built here; the others' digests cannot be
// known without a registry.
func pinned(s types.ServiceConfig) string {
	parts := strings.Count(s.Image, ".")
	if s.Build != nil || exact.MatchString(s.Image) && (parts == 2 || strings.HasPrefix(s.Image, "postgres:")) {
		return ""
	}
	return fmt.Sprintf("image %s is not pinned", s.Image)
}

// onLoopback checks that only the starter listens beyond loopback, and only by a setting.
func onLoopback(s types.ServiceConfig) string {
	for _, port := range s.Ports {
		if port.HostIP != "127.0.0.1" {
			return fmt.Sprintf("publishes %s beyond loopback", port.Published)
		}
	}
	return ""
}

func unprivileged(s types.ServiceConfig) string {
	switch {
	case s.Privileged:
		return "is privileged"
	case !s.ReadOnly:
		return "its root can be written"
	case !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0:
		return "has capabilities"
	case !slices.Contains(s.SecurityOpt, "no-new-privileges:true"):
		return "may gain privileges"
	}
	return ""
}

// job reports that a service runs once: at a start, or for an operator.
func job(s types.ServiceConfig) bool {
	return s.Restart == types.RestartPolicyNo || strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure)
}

func limited(s types.ServiceConfig) string {
	switch {
	case s.PidsLimit == 0:
		return "has no limit of processes"
	case !job(s) && s.MemLimit == 0:
		return "has no limit of memory"
	}
	return ""
}

// checked wants a health check of services that run for long. Temporal's UI has no program for
// it.
func checked(s types.ServiceConfig) string {
	if job(s) || s.Name == "ui" {
		return ""
	}
	if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 {
		return "has no health check"
	}
	if ops := s.Environment["REKEY_OPS_LISTEN"]; ops != nil && !strings.Contains(strings.Join(s.HealthCheck.Test, " "), "//"+*ops+"/readyz") {
		return "is asked at another address than REKEY_OPS_LISTEN"
	}
	return ""
}

const (
	healthy = types.ServiceConditionHealthy
	done    = types.ServiceConditionCompletedSuccessfully
)

// order is the dependencies of each service.
var order = map[string]map[string]string{
	"databases":       {"postgres": healthy},
	"temporal-schema": {"databases": done},
	"temporal":        {"temporal-schema": done},
	"setup":           {"temporal": healthy},
	"migrate":         {"databases": done},
	"worker":          {"keys": done, "setup": done, "migrate": done},
	"starter":         {"keys": done, "setup": done},
	"codec":           {"keys": done},
	"ui":              {"temporal": healthy},
}

func waits(s types.ServiceConfig) string {
	for _, name := range slices.Sorted(maps.Keys(order[s.Name])) {
		want, got := order[s.Name][name], s.DependsOn[name]
		switch {
		case got.Condition == "":
			return "does not wait for " + name
		case got.Condition != want || !got.Required:
			return fmt.Sprintf("does not wait for %s to be %s", name, want)
		}
	}
	return ""
}

// profiled keeps the inbox out of a real deployment, and commands of operators out of a start.
func profiled(s types.ServiceConfig) string {
	want := map[string]string{"mailpit": "demo", "operator": "operator", "temporal-cli": "operator"}[s.Name]
	if got := strings.Join(s.Profiles, " "); got != want {
		return fmt.Sprintf("is of the profile %q, want %q", got, want)
	}
	return ""
}

// reach is the networks of each service. A starter cannot reach the accounts or a mail server,
// the codec server no service of rekey.
var reach = map[string]string{
	"postgres": "store", "databases": "store", "temporal": "store temporal", "temporal-schema": "store",
	"operator": "mail store temporal", "temporal-cli": "codec temporal",
	"ui": "front-ui temporal", "keys": "", "setup": "temporal", "migrate": "store", "worker": "mail store temporal",
	"starter": "front-starter temporal", "codec": "codec front-codec", "mailpit": "front-mailpit mail",
}

// security 2: a starter has no way to a service that knows accounts.
func networked(s types.ServiceConfig) string {
	networks := strings.Join(slices.Sorted(maps.Keys(s.Networks)), " ")
	if want := reach[s.Name]; networks != want || s.Name == "keys" && s.NetworkMode != "none" {
		return fmt.Sprintf("networks %q, want %q", networks, want)
	}
	return ""
}

// readBy are the key files of each process, as the table in docs/design.md says.
var readBy = map[string]string{
	"worker":   "/keys/link.json /keys/payload.json /keys/submission.json",
	"starter":  "/keys/account.json /keys/link.json /keys/payload.json /keys/salt.json /keys/submission.pub.json",
	"codec":    "/keys/payload.json",
	"keys":     "/keys",
	"operator": "/keys/account.json /keys/payload.json",
}

func fewKeys(s types.ServiceConfig) string {
	var given []string
	for _, v := range s.Volumes {
		if v.Source != "keys" {
			continue
		}
		given = append(given, v.Target)
		if !v.ReadOnly && s.Name != "keys" {
			return "may write to " + v.Target
		}
		if file, ok := strings.CutPrefix(v.Target, "/keys/"); ok && v.Volume.Subpath != file {
			return fmt.Sprintf("%s is the file %s", v.Target, v.Volume.Subpath)
		}
	}
	slices.Sort(given)
	if got := strings.Join(given, " "); got != readBy[s.Name] {
		return fmt.Sprintf("is given %s, want %s", got, readBy[s.Name])
	}
	return ""
}

func replicated(s types.ServiceConfig) string {
	if n := s.GetScale(); s.Name == "worker" && n != 2 {
		return fmt.Sprintf("is there %d times", n)
	}
	return ""
}
