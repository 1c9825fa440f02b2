//go:build !race

package password

const slowdown = 1
