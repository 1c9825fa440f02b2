package worker

import (
	"errors"
	"runtime/debug"
	"strings"
	"testing"

	deploymentpb "go.temporal.io/api/deployment/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/worker"
)

func TestRevisionIsThatOfACommit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vcs  []debug.BuildSetting
		want string // "" is an error
		says string
	}{
		"committed": {[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "false"}}, "abc", ""},
		"changed":   {[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}, "", "revision abc and changes that are not committed"},
		"unclear":   {[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}, "", "revision abc"},
		"none":      {nil, "", "does not know its revision"},
	} {
		got, err := revision(&debug.BuildInfo{Settings: tc.vcs})
		if got != tc.want {
			t.Errorf("%s: build ID %q, want %q", name, got, tc.want)
		}
		if tc.want == "" && (!errors.Is(err, ErrNoBuildID) || !strings.Contains(err.Error(), tc.says)) || tc.want != "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := revision(nil); !errors.Is(err, ErrNoBuildID) {
		t.Errorf("no build information: %v", err)
	}
}

func TestDeploymentIsChecked(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"a build ID needs the name of a deployment": {BuildID: "one"},
		"want a name without \".\" and \":\"":       {Deployment: "a:b", BuildID: "one"},
		"want a name without":                       {Deployment: "a.b", BuildID: "one"},
		"the program does not know its revision":    {Deployment: "rekey"}, // a test's program has none
	} {
		if _, err := cfg.versioned(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
	for _, cfg := range []Config{{}, {Deployment: "rekey", BuildID: "one"}} {
		got, err := cfg.versioned()
		if err != nil || got.Deployment != cfg.Deployment || got.BuildID != cfg.BuildID {
			t.Errorf("%+v: %+v, %v", cfg, got, err)
		}
	}
}

// A worker without a deployment is unversioned.
func TestUnversionedByDefault(t *testing.T) {
	t.Parallel()
	if got := (Config{}).deployment(); got != (worker.DeploymentOptions{}) {
		t.Errorf("%+v", got)
	}
}

func TestAdviceSaysHowToGetResets(t *testing.T) {
	t.Parallel()
	one := &deploymentpb.WorkerDeploymentVersion{DeploymentName: "rekey", BuildId: "one"}
	two := &deploymentpb.WorkerDeploymentVersion{DeploymentName: "rekey", BuildId: "two"}
	type routes = taskqueuepb.TaskQueueVersioningInfo
	first, plain := Config{Deployment: "rekey", BuildID: "one"}, Config{}
	for name, tc := range map[string]struct {
		worker Config
		routes *routes
		want   string // "" is no advice
	}{
		"unversioned, as ever":     {plain, nil, ""},
		"unversioned, nothing set": {plain, &routes{}, ""},
		"unversioned beside one":   {plain, &routes{CurrentDeploymentVersion: one}, "set-current-version --deployment-name rekey --unversioned`"},
		"unversioned, ramping":     {plain, &routes{CurrentDeploymentVersion: one, RampingVersionPercentage: 5}, ""},
		"first of its deployment":  {first, nil, "set-current-version --deployment-name rekey --build-id one`"},
		"beside unversioned":       {first, &routes{}, "--build-id one`"},
		"current":                  {first, &routes{CurrentDeploymentVersion: one}, ""},
		"ramping":                  {first, &routes{CurrentDeploymentVersion: two, RampingDeploymentVersion: one, RampingVersionPercentage: 5}, ""},
		"ramping at nothing":       {first, &routes{CurrentDeploymentVersion: two, RampingDeploymentVersion: one}, "--build-id one`"},
		"no longer current":        {first, &routes{CurrentDeploymentVersion: two}, "--build-id one`"},
	} {
		got := tc.worker.advice(tc.routes)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
