//go:build !unix

package secretfile

import "os"

// noWait is nothing where files have no named pipes.
const noWait = 0

// The mode of a file says nothing where access lists decide.
func judgeFile(os.FileInfo, string, owners) error { return nil }

func judgeFolder(string, owners) error { return nil }
