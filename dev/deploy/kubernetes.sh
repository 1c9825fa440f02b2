#!/bin/sh
# Builds the programs that TestKubernetes runs, from their Go modules, into a folder that is kept:
#
#	dev/deploy/kubernetes.sh FOLDER
#	REKEY_KUBERNETES=FOLDER go test -v -timeout 30m -run TestKubernetes ./dev/deploy
#
# k8s.io/kubernetes requires its parts (staging modules) in a version that does not exist, so each
# is replaced. That is why it is no dependency of dev/, but of a module in FOLDER.
set -eu
[ $# -eq 1 ] || { echo "usage: dev/deploy/kubernetes.sh FOLDER" >&2; exit 2; }
kubernetes=1.35.4 helm3=v3.20.2 helm4=v4.1.4 gateway=v1.4.1 prometheus=v0.87.1 router=v2.1.0
mkdir -p "$1" && cd "$1"
export GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-buildvcs=false -mod=mod"

folder() { go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)",/\1/p'; }

parts=$(sed -n 's/^\t\(k8s.io\/[a-z-]*\) v0\.0\.0$/\1/p' "$(folder "k8s.io/kubernetes@v$kubernetes")/go.mod")
{
	printf 'module kubernetes\n\ngo 1.26.0\n\nrequire (\n'
	printf '\tk8s.io/kubernetes v%s\n\thelm.sh/helm/v3 %s\n\thelm.sh/helm/v4 %s\n)\n\nreplace (\n' "$kubernetes" "$helm3" "$helm4"
	for part in $parts; do printf '\t%s => %s v0.%s\n' "$part" "$part" "${kubernetes#1.}"; done
	printf ')\n'
} >go.mod
# The versions that the programs' own builds put in.
minor=${kubernetes#1.} minor=${minor%.*} stamps="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes"
for prefix in k8s.io/component-base/version.git helm.sh/helm/v3/pkg/chartutil.k8sVersion helm.sh/helm/v3/pkg/lint/rules.k8sVersion; do
	stamps="$stamps -X ${prefix}Major=1 -X ${prefix}Minor=$minor"
done
for program in k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
	k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kubectl \
	helm.sh/helm/v3/cmd/helm helm.sh/helm/v4/cmd/helm; do
	case $program in *helm/v3/*) name=helm3 ;; *) name=${program##*/} ;; esac
	echo "building $name"
	go build -trimpath -o "$name" -ldflags "$stamps" "$program"
done
cp "$(folder "sigs.k8s.io/gateway-api@$gateway")/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml" httproutes.yaml
cp "$(folder "github.com/prometheus-operator/prometheus-operator@$prometheus")/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml" servicemonitors.yaml
chmod u+w ./*.yaml
# It enforces policies, and wants older libraries.
mkdir -p router && cd router
printf 'module router\n\ngo 1.26.0\n\nrequire github.com/cloudnativelabs/kube-router/v2 %s\n' "$router" >go.mod
echo "building kube-router"
go build -trimpath -ldflags "-s -w" -o ../kube-router github.com/cloudnativelabs/kube-router/v2/cmd/kube-router
