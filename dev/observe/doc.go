// Package observe tests the output of a running product for operators: probes, metrics, traces,
// and the dashboard and the alerts on them.
package observe
