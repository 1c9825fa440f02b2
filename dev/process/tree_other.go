//go:build !linux

package process

import (
	"errors"
	"time"
)

// Tree is known on Linux only.
func Tree(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

// Peak is known on Linux only.
func Peak(int) (float64, error) { return 0, errors.ErrUnsupported }
