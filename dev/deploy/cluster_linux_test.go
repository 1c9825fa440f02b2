package deploy

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// node is a Kubernetes of one node, with a kubelet, on the programs that kubernetes.sh has built.
type node struct {
	*site

	dir  string // its files
	bin  string // first in PATH
	work string // where the commands of the page are typed
}

// startNode starts a cluster. Its services have addresses on loopback that pods reach too.
func startNode(t *testing.T, dir, programs string) *node {
	t.Helper()
	n := &node{dir: dir, bin: programs, work: filepath.Join(dir, "work"), site: &site{Project: compose(t), network: "10.97.129."}}
	script(t, exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up"))
	for host := range hosts {
		script(t, exec.CommandContext(t.Context(), "ip", "address", "add", n.address(host)+"/32", "dev", "lo"))
	}
	n.makeSecrets(t, dir)
	for name, content := range n.files() {
		n.write(t, name, content)
	}
	n.shell(t, "openssl genrsa -out ../sa.key 2048 && openssl rsa -in ../sa.key -pubout -out ../sa.pub && mkdir ../kubelet")
	n.serve(t, "etcd", "--data-dir", "etcd", "--unsafe-no-fsync")
	n.serve(t, "kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379", "--bind-address", "127.0.0.1", "--cert-dir", "certs",
		"--token-auth-file", "tokens.csv", "--authorization-mode", "RBAC", "--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", "sa.pub", "--service-account-signing-key-file", "sa.key", "--service-cluster-ip-range", "10.97.0.0/20",
		"--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none", "--kubelet-preferred-address-types", "InternalIP", "--allow-privileged")
	process.Eventually(t, patience, "the API server", func() bool { _, err := n.try("kubectl get --raw /readyz"); return err == nil })
	n.serve(t, "kube-controller-manager", "--kubeconfig", "kubeconfig", "--service-account-private-key-file", "sa.key", "--leader-elect=false", "--cert-dir", "certs-m")
	n.serve(t, "kube-scheduler", "--kubeconfig", "kubeconfig", "--leader-elect=false", "--cert-dir", "certs-s")
	n.serve(t, "containerd", "--config", "containerd.toml")
	n.images(t)
	n.shell(t, "sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1")
	n.serve(t, "kubelet", "--config", "kubelet.yaml", "--kubeconfig", "kubeconfig", "--root-dir", filepath.Join(dir, "kubelet"), "--cert-dir", "certs-k",
		"--hostname-override", "node", "--node-ip", n.address("worker2"))
	process.Eventually(t, patience, "the node", func() bool {
		_, err := n.try("kubectl wait --for=condition=Ready node/node --timeout=1s")
		return err == nil
	})
	n.serve(t, "kube-router", "--kubeconfig", "kubeconfig", "--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--run-loadbalancer=false",
		"--enable-cni=false", "--hostname-override", "node", "--service-cluster-ip-range", "10.97.0.0/20")
	return n
}

// files are the settings of the cluster.
func (n *node) files() map[string]string {
	return map[string]string{
		"tokens.csv": "secret,admin,admin,system:masters\n",
		"kubeconfig": `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {token: secret}}],
  clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ` + n.dir + `/certs/apiserver.crt}}]}`,
		"cni/10.conflist": `{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods", "isGateway": true,
  "ipam": {"type": "host-local", "dataDir": "` + n.dir + `/ipam", "ranges": [[{"subnet": "10.97.128.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}`,
		"containerd.toml": `version = 2
root = "` + n.dir + `/root"
state = "` + n.dir + `/state"
[grpc]
address = "` + n.dir + `/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example.com/pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "` + n.dir + `/cni"
`,
		// cgroups of version 1 are refused by default.
		"kubelet.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
failSwapOn: false
containerRuntimeEndpoint: unix://` + n.dir + `/c.sock
address: ` + n.address("worker2") + `
podLogsDir: ` + n.dir + `/logs
enforceNodeAllocatable: []
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
makeIPTablesUtilChains: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 10Mi}
`,
	}
}

// serve starts a program of the cluster, which ends with the test.
func (n *node) serve(t *testing.T, name string, args ...string) {
	t.Helper()
	path := filepath.Join(n.bin, name)
	if _, err := os.Stat(path); err != nil {
		path = suite.Program(t, name) // of a package
	}
	log, err := os.Create(filepath.Join(n.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s: ...%s", name, b[max(0, len(b)-1500):])
		}
	})
}

// images gives the runtime its images: no registry is reached.
func (n *node) images(t *testing.T) {
	t.Helper()
	rekey, err := program()
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, "pause/main.go", "package main\n\nimport (\n\"os\"\n\"os/signal\"\n\"syscall\"\n)\n\nfunc main() {\nc := make(chan os.Signal, 1)\nsignal.Notify(c, syscall.SIGTERM)\n<-c\n}\n")
	n.shell(t, "cd ../pause && CGO_ENABLED=0 GOWORK=off GOFLAGS= go build -o pause main.go")
	for name, file := range map[string]string{"rekey:v0.2.0": rekey, "rekey:v0.2.1": rekey, "pause:1": filepath.Join(n.dir, "pause/pause")} {
		n.write(t, "image.tar", image(t, "registry.example.com/"+name, file))
		process.Eventually(t, patience, "the runtime", func() bool { _, err := n.try("ctr version"); return err == nil })
		n.shell(t, "ctr -n k8s.io images import ../image.tar")
	}
}

// image is an archive of an image that has one program and, as that of the Dockerfile, no root.
func image(t *testing.T, name, file string) string {
	t.Helper()
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	path := "/" + strings.Split(filepath.Base(name), ":")[0]
	layer := archive(t, path[1:], program)
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
		"config": map[string]any{"Entrypoint": []string{path}, "User": "65532:65532"},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal([]any{map[string]any{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(archive(t, "layer.tar", layer, "config.json", config, "manifest.json", list))
}

func archive(t *testing.T, pairs ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for pair := range slices.Chunk(pairs, 2) {
		name, content := pair[0].(string), pair[1].([]byte)
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write makes a file of the node.
func (n *node) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shell runs commands, which must go well, and returns their output. An API server's warning is
// no good end.
func (n *node) shell(t *testing.T, commands string) string {
	t.Helper()
	out, err := n.try(commands)
	if err != nil || strings.Contains(out, "Warning:") {
		pods, _ := n.try("kubectl get pods -A -o wide; kubectl -n rekey get events | tail -n 20; kubectl -n rekey logs -l app.kubernetes.io/name=rekey --tail 5")
		t.Fatalf("%v of\n%s\n%s\n%s", err, commands, out, pods)
	}
	return out
}

func (n *node) try(commands string) (string, error) {
	cmd := exec.Command("sh", "-euc", commands)
	if err := os.MkdirAll(n.work, 0o755); err != nil {
		return "", err
	}
	cmd.Dir = n.work
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.dir+"/kubeconfig", "PATH="+n.dir+"/bin:"+n.bin+":"+os.Getenv("PATH"), "HOME="+n.dir, "CONTAINERD_ADDRESS="+n.dir+"/c.sock")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
