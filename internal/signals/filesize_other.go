//go:build !unix

package signals

func ignoreFileSize() {}
