//go:build !unix

package postgrestest

import "os/exec"

func (s *Server) own() error { return nil }

func asOther(*exec.Cmd) error { return nil }
