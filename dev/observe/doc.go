// Package observe tests what a running product tells those who look after it: probes,
// metrics, traces, and the dashboard and the alerts that are made of them.
package observe
