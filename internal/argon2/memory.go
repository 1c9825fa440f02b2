package argon2

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"
)

// Memory is the memory of one hash at a time. Its zero value is ready for use. It keeps the memory
// for the next hash, and nothing of a password in it.
type Memory struct {
	blocks []block
	h0     [blake2b.Size + 8]byte
	edge   [8 * blockLength]byte // a first or last block as bytes
}

// Size is how much memory is kept, in KiB.
func (m *Memory) Size() int { return cap(m.blocks) }

// IDKey is the function [IDKey], without new memory for each call. It clears the memory before it
// returns: a thief who read H0 (RFC 9106 section 3.2) could try passwords with one BLAKE2b each.
// The small states of BLAKE2b stay in the heap until they are collected, as the password does.
func (m *Memory) IDKey(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
	return m.deriveKey(password, salt, nil, nil, time, memory, threads, keyLen)
}

func (m *Memory) deriveKey(password, salt, secret, data []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
	if time < 1 || threads < 1 {
		panic("argon2: want at least one pass and one thread")
	}
	lanes := uint32(threads)
	m.h0 = initHash(password, salt, secret, data, time, memory, lanes, keyLen, argon2id)
	memory = max(memory/(syncPoints*lanes), 2) * syncPoints * lanes // m' of RFC 9106 section 3.2
	if uint32(cap(m.blocks)) < memory {                             //nolint:gosec // memory is 32 bits
		m.blocks = make([]block, memory)
	}
	m.blocks = m.blocks[:memory]
	defer m.clear()
	m.firstBlocks(memory/lanes, lanes)
	processBlocks(m.blocks, time, memory, lanes, argon2id)
	return m.key(memory/lanes, lanes, keyLen)
}

// firstBlocks are the two of each lane that H0 makes. The others have to be zero.
func (m *Memory) firstBlocks(length, lanes uint32) {
	for lane := range lanes {
		binary.LittleEndian.PutUint32(m.h0[blake2b.Size+4:], lane)
		for column := range uint32(2) {
			binary.LittleEndian.PutUint32(m.h0[blake2b.Size:], column)
			blake2bHash(m.edge[:], m.h0[:])
			b := &m.blocks[lane*length+column]
			for i := range b {
				b[i] = binary.LittleEndian.Uint64(m.edge[8*i:])
			}
		}
	}
}

// key is the hash of the sum of the last block of each lane. Upstream's extractKey leaves a copy of
// the sum behind.
func (m *Memory) key(length, lanes, keyLen uint32) []byte {
	sum := &m.blocks[length-1]
	for lane := uint32(1); lane < lanes; lane++ {
		for i, v := range m.blocks[lane*length+length-1] {
			sum[i] ^= v
		}
	}
	for i, v := range sum {
		binary.LittleEndian.PutUint64(m.edge[8*i:], v)
	}
	key := make([]byte, keyLen)
	blake2bHash(key, m.edge[:])
	return key
}

func (m *Memory) clear() {
	clear(m.blocks)
	clear(m.h0[:])
	clear(m.edge[:])
}
