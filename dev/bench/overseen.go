package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
)

// order is what a part is told on its standard input.
type order string

const (
	measureMemory order = "memory" // after a garbage collection
	beginProfile  order = "profile"
	endProfile    order = "end profile"
)

// reply is a part's answer, on its standard output. An empty one says that it works.
type reply struct {
	Memory  uint64 // what it holds, in bytes
	Profile []byte // of its CPU time, in pprof's format
	Error   string
}

// overseen is the part's end of the two pipes.
type overseen struct {
	stop    context.CancelFunc
	to      *json.Encoder
	profile bytes.Buffer
}

// answer answers until the program that started the part is gone or has closed the pipe;
// then the part stops.
func (o *overseen) answer(from io.Reader) {
	defer o.stop()
	orders := json.NewDecoder(from)
	for {
		var asked order
		if err := orders.Decode(&asked); err != nil {
			return
		}
		answer, err := o.carryOut(asked)
		if err != nil {
			answer.Error = err.Error()
		}
		o.tell(answer)
	}
}

func (o *overseen) tell(r reply) {
	if err := o.to.Encode(r); err != nil {
		o.stop()
	}
}

func (o *overseen) carryOut(asked order) (r reply, err error) {
	switch asked {
	case measureMemory:
		r.Memory = held()
	case beginProfile:
		o.profile.Reset()
		err = pprof.StartCPUProfile(&o.profile)
	case endProfile:
		pprof.StopCPUProfile()
		r.Profile = o.profile.Bytes()
	}
	return r, err
}

// held is the memory in use that Go has from the system.
func held() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers have let go
	sample := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(sample)
	held := sample[0].Value.Uint64()
	for _, s := range sample[1:] {
		held -= s.Value.Uint64()
	}
	return held
}
