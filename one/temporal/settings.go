package temporal

import (
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
)

// settings are the server's dynamic settings that differ from its defaults. The
// defaults suit a cluster on a big database; these suit one process.
// The numbers were measured on two cores.
func settings() dynamicconfig.Client {
	return dynamicconfig.StaticClient{
		// 20 polls a second per shard by default: a lone run waited 150 ms, now 16 ms.
		dynamicconfig.TransferProcessorMaxPollRPS.Key(): 5000,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():    5000,
		// Four partitions by default, which look for each other's tasks every
		// 100 ms, and for seconds with 32 runs at once.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Without it half of the graceful worker stops leave a poll behind that
		// swallows the next task for 10 s.
		dynamicconfig.EnableCancelWorkerPollsOnShutdown.Key(): true,
		// One second by default: the continuation of a run that was open for less than
		// that waits for the rest of it. (A start so soon after another is refused only
		// with history.enableWorkflowIdReuseStartTimeValidation, off by default.)
		dynamicconfig.WorkflowIdReuseMinimalInterval.Key(): time.Duration(0),
		// Off by default, and on where operators pause runs.
		dynamicconfig.WorkflowPauseEnabled.Key(): true,
		// Three minutes each by default, in which a big visibility store learns of a run.
		// SQLite knows it at once: an old build is soon seen to have no runs left.
		dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key(): 5 * time.Second,
		dynamicconfig.VersionDrainageStatusRefreshInterval.Key():       5 * time.Second,
	}
}

// clusterName is stored in the database by the first start; it never changes.
const clusterName = "active"

// configuration is the static part: four services on loopback, no archive, no
// metrics, no HTTP.
func configuration(p ports, s *stores) *config.Config {
	const runs, list = "runs", "list"
	frontend := p.frontend.String()
	return &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     runs,
			VisibilityStore:  list,
			NumHistoryShards: s.shards, // fixed by the first start
			DataStores:       map[string]config.DataStore{runs: {SQL: s.runs}, list: {SQL: s.list}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		Global:              config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second}},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            p.services(),
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
}
