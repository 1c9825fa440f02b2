package argon2

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	upstream "golang.org/x/crypto/argon2"
)

// All files but memory.go are those of the version in go.mod. A new version has to be copied:
//
//	cp $(go list -f '{{.Dir}}' golang.org/x/crypto/argon2)/{argon2,bla*}.{go,s} internal/argon2
func TestFilesAreUpstreams(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/crypto/argon2").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	files := map[string]bool{}
	for _, pattern := range []string{filepath.Join(dir, "*.[gs]*"), "*.[gs]*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			files[filepath.Base(file)] = true
		}
	}
	for file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "memory.go" {
			continue
		}
		want, theirs := os.ReadFile(filepath.Join(dir, file))
		got, ours := os.ReadFile(file)
		if theirs != nil || ours != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of golang.org/x/crypto", file)
		}
	}
	if len(files) < 9 {
		t.Errorf("only the files %v", files)
	}
}

// The vector of RFC 9106 section 5.3.
func TestVectorOfTheRFC(t *testing.T) {
	t.Parallel()
	of := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	var m Memory
	got := hex.EncodeToString(m.deriveKey(of(1, 32), of(2, 16), of(3, 8), of(4, 12), 3, 32, 4, 32))
	if want := "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// These vectors are of the reference implementation's command:
//
//	printf password | argon2 somesalt -id -v 13 -t 2 -k 64 -p 1 -l 24 -r
func TestVectors(t *testing.T) {
	t.Parallel()
	var m Memory
	for _, v := range []struct {
		time, memory uint32
		threads      uint8
		want         string
	}{
		{1, 64, 1, "655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb"},
		{2, 64, 1, "068d62b26455936aa6ebe60060b0a65870dbfa3ddf8d41f7"},
		{2, 64, 2, "350ac37222f436ccb5c0972f1ebd3bf6b958bf2071841362"},
		{3, 256, 2, "4668d30ac4187e6878eedeacf0fd83c5a0a30db2cc16ef0b"},
		{4, 4096, 4, "145db9733a9f4ee43edf33c509be96b934d505a4efb33c5a"},
		{4, 1024, 8, "8dafa8e004f8ea96bf7c0f93eecf67a6047476143d15577f"},
		{2, 64, 3, "4a15b31aec7c2590b87d1f520be7d96f56658172deaa3079"},
		{3, 1024, 6, "1640b932f4b60e272f5d2207b9a9c626ffa1bd88d2349016"},
	} {
		if got := hex.EncodeToString(m.IDKey([]byte("password"), []byte("somesalt"), v.time, v.memory, v.threads, 24)); got != v.want {
			t.Errorf("t=%d m=%d p=%d: %s, want %s", v.time, v.memory, v.threads, got, v.want)
		}
	}
}

// FuzzIDKey compares a key with that of golang.org/x/crypto. The memory is that of the calls
// before, which had other costs.
func FuzzIDKey(f *testing.F) {
	f.Add([]byte("password"), []byte("somesalt"), uint8(2), uint16(64), uint8(1), uint8(32))
	f.Add([]byte{}, []byte{}, uint8(1), uint16(0), uint8(4), uint8(64))
	f.Add(bytes.Repeat([]byte("x"), 1024), make([]byte, 64), uint8(3), uint16(999), uint8(3), uint8(65))
	var m Memory
	f.Fuzz(func(t *testing.T, password, salt []byte, time uint8, memory uint16, threads, keyLen uint8) {
		time, memory, threads, keyLen = 1+time%4, memory%2048, 1+threads%16, 1+keyLen%128
		got := m.IDKey(password, salt, uint32(time), uint32(memory), threads, uint32(keyLen))
		want := upstream.IDKey(password, salt, uint32(time), uint32(memory), threads, uint32(keyLen))
		if !bytes.Equal(got, want) {
			t.Errorf("t=%d m=%d p=%d: %x, want %x", time, memory, threads, got, want)
		}
		m.blocks = m.blocks[:cap(m.blocks)]
		for i, b := range m.blocks {
			if b != (block{}) {
				t.Fatalf("block %d is kept", i)
			}
		}
		if m.h0 != [len(m.h0)]byte{} || m.edge != [len(m.edge)]byte{} {
			t.Error("the hash of the password is kept")
		}
	})
}

// A hash takes no memory but the first time. It is not parallel: all allocations are counted.
func TestMemoryIsKept(t *testing.T) {
	var m Memory
	hash := func() { m.IDKey([]byte("password"), []byte("somesalt"), 1, 1024, 1, 32) }
	hash()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	hash()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
		t.Errorf("%d bytes, want less than 64 KiB", took)
	}
	if m.Size() != 1024 {
		t.Errorf("%d KiB are kept, want 1,024", m.Size())
	}
}

// BenchmarkIDKey compares the costs of the product with and without the memory of the hash before.
func BenchmarkIDKey(b *testing.B) {
	var m Memory
	for name, hash := range map[string]func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte{
		"upstream": upstream.IDKey, "memory": m.IDKey,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hash([]byte("password"), []byte("somesalt"), 2, 19*1024, 1, 32)
			}
		})
	}
}
