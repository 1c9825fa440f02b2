#!/bin/sh
# Registers the namespace, once the Temporal server answers. Safe to repeat.
set -eu
tries=60
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 72h; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || exit 1
	sleep 2
done
