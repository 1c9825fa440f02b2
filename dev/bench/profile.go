package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// watch does something while all parts of a site are profiled. Where profiles are kept, each
// is written there, as WHAT-PART-NUMBER.pprof; go tool pprof adds those of several up.
func (s *site) watch(what string, do func() error) (profiles map[string][]byte, err error) {
	for _, c := range s.parts {
		if _, err := c.ask(beginProfile); err != nil {
			return nil, err
		}
	}
	err = do()
	s.watched++
	profiles = map[string][]byte{}
	for part, c := range s.parts {
		r, asked := c.ask(endProfile)
		profiles[part] = r.Profile
		err = errors.Join(err, asked, s.keep(fmt.Sprintf("%s-%s-%d.pprof", what, part, s.watched), r.Profile))
	}
	return profiles, err
}

// keep writes a profile to where profiles are kept.
func (s *site) keep(name string, profile []byte) error {
	if s.profiles == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(s.profiles, name), profile, 0o600)
}

// What the functions of a profile belong to, by the beginning of their names.
const (
	argon     = "golang.org/x/crypto/argon2"
	passwords = "github.com/rekeyhq/rekey/password"
)

// spentIn is the CPU time in each of these packages and in what they call, in a profile of
// pprof's. What belongs to several is the first one's.
func spentIn(raw []byte, packages ...string) (map[string]time.Duration, error) {
	p, err := profile.Parse(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	spent := map[string]time.Duration{}
	for _, sample := range p.Sample {
		for _, name := range packages {
			if within(sample, name) {
				spent[name] += time.Duration(sample.Value[len(sample.Value)-1])
				break
			}
		}
	}
	return spent, nil
}

func within(sample *profile.Sample, name string) bool {
	for _, at := range sample.Location {
		for _, line := range at.Line {
			if strings.HasPrefix(line.Function.Name, name) {
				return true
			}
		}
	}
	return false
}
